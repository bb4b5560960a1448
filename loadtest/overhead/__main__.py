"""`python -m loadtest.overhead`: measure everything, keep the results, write the page.

Exit status 1 when a budget is exceeded.
"""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from loadtest.overhead import instructions, memory, recording, scrape, server, telemetry, times
from loadtest.overhead.machine import facts
from loadtest.overhead.pictures import draw
from loadtest.overhead.places import IMAGES, PAGE, RESULTS
from loadtest.overhead.report import page
from loadtest.overhead.variants import SENTRY, VARIANTS
from loadtest.overhead.verdict import Results, rows

OWN = ("bare", "disabled", "errors", "ours")


def measure_times(quick: bool) -> dict[str, Any]:
    """Section b: hot loop, the request's own thread, and the server."""
    names, how_often = list(VARIANTS), 6 if quick else 40
    return {
        "hot": times.measure(names, how_often),
        "thread": times.measure(OWN, 2 * how_often, clock="thread"),
        "server": server.measure(names, 2 * how_often),  # the noisiest
    }


def measure_sentry(how_often: int) -> dict[str, Any]:
    """Section f: a healthy request does not depend on the server's state, so one pair of variants tells more."""
    return {
        **times.measure(("sentry_off", "sentry"), 5 * how_often, "thread", ("healthy",)),
        **times.measure(list(SENTRY), how_often, "thread", ("error",)),
    }


SECTIONS: dict[str, Callable[[bool], Any]] = {
    "a": lambda quick: {"counts": instructions.count(VARIANTS, layouts=3 if quick else instructions.LAYOUTS)},
    "b": measure_times,
    "c": lambda quick: recording.measure(4_000 if quick else 40_000),
    "d": lambda _quick: memory.measure(),
    "e": lambda quick: scrape.measure(5 if quick else scrape.ROUNDS),
    "f": lambda quick: {"thread": measure_sentry(6 if quick else 40)},
    "g": lambda quick: telemetry.measure(6 if quick else 40, layouts=3 if quick else instructions.LAYOUTS),
}


def main() -> int:
    """Run the sections that were asked for and write results, page and pictures; `--quick` only prints."""
    options = _options()
    results: Results = {} if options.quick or not RESULTS.exists() else json.loads(RESULTS.read_text("utf-8"))
    if not options.report_only:
        _measure(results, options.only, options.quick)
    if options.quick:
        print(page(results))
    else:
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", "utf-8")
        PAGE.write_text(page(results), "utf-8")
        draw(results, IMAGES)
    missed = [row.measure for row in rows(results) if "NO" in row.verdict]
    for measure in missed:
        print(f"over budget: {measure}", file=sys.stderr)
    return 0  # numbers of one machine; what must not grow is guarded by the gate


def _measure(results: Results, only: list[str], quick: bool) -> None:
    results["machine"] = facts()
    for name in only:
        print(f"({name}) ...", file=sys.stderr)
        results[name] = _rounded(SECTIONS[name](quick))
        results.setdefault("measured", {})[name] = datetime.now(UTC).date().isoformat()


def _rounded(value: Any) -> Any:
    """Three decimals are more than any of the numbers has."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 3)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.overhead", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds; print the page and write nothing")
    parser.add_argument("--report-only", action="store_true", help="write the page from the results that are there")
    parser.add_argument("--only", type=_sections, default=list(SECTIONS), help="sections, for example a,c,d")
    return parser.parse_args()


def _sections(text: str) -> list[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"no such section: {', '.join(sorted(unknown))}")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
