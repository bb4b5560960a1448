"""Makes docs/metrics.md of docs/metrics.toml and of what is provisioned: `python docs/make_metrics.py`."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAD = """# Metrics

Made by `make docs`: change [metrics.toml](metrics.toml). What `/metrics` shows, besides the `process_*` and `python_*`
series of prometheus_client; one test compares this page with a scrape, another one has every metric move. Counters
begin at zero where their labels are known, so that the first event is an increase; those without a unit count what
their name says. Exemplars are in the OpenMetrics format only, which Prometheus asks for by itself. A dash: none.
"""
COLUMNS = ("metric", "type", "meaning", "unit", "elsewhere", "dashboards", "alerts")
SUFFIXES = ("_bucket", "_sum", "_count")
NOTHING = "–"  # noqa: RUF001  # a dash in a table


def page(root: Path = ROOT) -> str:
    """Return the page."""
    sections = tomllib.loads((root / "docs" / "metrics.toml").read_text("utf-8"))["section"]
    dashboards = dict(files(root / "grafana", "*.json"))
    rules = {name: rule for _, text in files(root / "prometheus", "*.yml") for name, rule in alerts(text)}
    parts = [HEAD]
    for section in sections:
        rows = [row(metric, dashboards, rules) for metric in section["metric"]]
        parts += [f"## {section['title']}\n", *([section["text"] + "\n"] if section["text"] else [])]
        parts += ["\n".join((line(COLUMNS), line("---" for _ in COLUMNS), *rows)) + "\n"]
    return "\n".join(parts)


def row(metric: dict[str, str | list[str]], dashboards: dict[str, str], rules: dict[str, str]) -> str:
    """Return the row of one metric."""
    labels = f"{{{','.join(metric['labels'])}}}" if metric["labels"] else ""
    name = str(metric["name"])
    told = (str(metric.get(column, NOTHING)) for column in COLUMNS[1:5])
    return line((f"`{name}{labels}`", *told, users_of(name, dashboards), users_of(name, rules)))


def line(cells: Iterator[str] | tuple[str, ...]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"


def files(folder: Path, pattern: str) -> Iterator[tuple[str, str]]:
    """Return name and text of each file below a folder, if there is one."""
    for file in sorted(folder.rglob(pattern)):
        yield file.stem, file.read_text("utf-8")


def alerts(text: str) -> Iterator[tuple[str, str]]:
    """Return each alert of a rule file with all that belongs to it."""
    for part in re.split(r"^\s*- (?=alert:|record:)", text, flags=re.MULTILINE)[1:]:
        kind, _, name = part.splitlines()[0].partition(": ")
        if kind == "alert":
            yield name.strip(), part


def users_of(metric: str, texts: dict[str, str]) -> str:
    """Return the names of the texts in which a metric is used."""
    used = re.compile(rf"(?<![\w:]){metric}({'|'.join(SUFFIXES)})?(?![\w:])")
    return ", ".join(name for name, text in texts.items() if used.search(text)) or NOTHING


if __name__ == "__main__":
    (ROOT / "docs" / "metrics.md").write_text(page(), "utf-8")
