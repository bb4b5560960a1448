"""The two pictures of the page: times with their intervals, and instructions. Readable in black and white."""

from importlib import import_module
from pathlib import Path
from typing import Any

from loadtest.overhead import instructions
from loadtest.overhead.report import NAMES
from loadtest.overhead.verdict import Results, added_time

ORDER = (
    "bare_again",
    "disabled",
    "errors",
    "ours",
    "fastapi_telemetry",
    "instrumentator",
    "starlette_exporter",
    "tutorial",
)


def draw(results: Results, folder: Path) -> None:
    """Write `bench-times.png` and `bench-instructions.png`, each if its section was measured."""
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("Agg")
    plot: Any = import_module("matplotlib.pyplot")
    folder.mkdir(parents=True, exist_ok=True)
    if "b" in results:
        _save(_times(plot, results["b"]), plot, folder / "bench-times.png")
    if "a" in results:
        _save(_instructions(plot, results["a"]["counts"]), plot, folder / "bench-instructions.png")


def _times(plot: Any, section: Any) -> Any:
    """A forest plot: a mark for each estimate, a line for its interval; empty marks for the server."""
    figure, axes = plot.subplots(figsize=(7.5, 3.6))
    names = _present(section["hot"]["healthy"])
    for offset, kind, face, label in ((0.15, "hot", "black", "hot loop"), (-0.15, "server", "white", "uvicorn")):
        found = [added_time(section, kind, "healthy", name) for name in names]
        estimates = [one.estimate for one in found]
        reach = [[one.estimate - one.low for one in found], [one.high - one.estimate for one in found]]
        places = [place + offset for place in range(len(names))]
        axes.errorbar(estimates, places, xerr=reach, fmt="o", color="black", mfc=face, ms=5, capsize=2, label=label)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.axvline(20, color="black", linewidth=0.8, linestyle=":", label="budget, hot loop")
    axes.legend(loc="upper right", frameon=False, fontsize=8)
    return _finish(figure, axes, names, "CPU time added to a healthy request, µs (95 % intervals)")


def _instructions(plot: Any, counts: Any) -> Any:
    figure, axes = plot.subplots(figsize=(7.5, 3.2))
    names = _present(counts)
    added = [instructions.added(counts, name, "healthy").estimate / 1000 for name in names]
    shades = ["black" if name == "ours" else "0.75" for name in names]
    bars = axes.barh(range(len(names)), added, color=shades, edgecolor="black", height=0.65)
    axes.bar_label(bars, labels=[f"{value:,.1f}" for value in added], padding=3, fontsize=8)
    axes.margins(x=0.12)
    return _finish(figure, axes, names, "instructions added to a healthy request, thousands")


def _present(found: Any) -> list[str]:
    return [name for name in reversed(ORDER) if name in found]


def _finish(figure: Any, axes: Any, names: list[str], title: str) -> Any:
    axes.set_yticks(range(len(names)), [NAMES[name].strip("*").replace("`", "") for name in names], fontsize=8)
    axes.set_xlabel(title, fontsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure


def _save(figure: Any, plot: Any, path: Path) -> None:
    # without the software's name and version the same results give the same file
    figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
    plot.close(figure)
