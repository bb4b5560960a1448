"""Budgets and goals beside what was measured: pure functions from the results to the rows of the first table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from loadtest.overhead import instructions
from loadtest.overhead.stats import Interval, paired_difference

NOISE = 0.001
"""A/A may differ by this share of a request: less is no difference."""

RATIO = {"instrumentator": 6.0, "starlette_exporter": 10.0}
"""How many times more instructions than ours these peers must add, with the same metrics on."""

SENTRY_STATES = {
    "sentry": "that answers",
    "sentry_unlimited": "without limits",
    "sentry_down": "that is down",
    "sentry_hangs": "that hangs",
    "sentry_429": "that answers 429",
}

Results = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of the verdict: `value` must not exceed `budget` (`at_least`: must not fall below it)."""

    measure: str
    value: float
    shown: str
    unit: str
    budget: float
    goal: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """`yes`, `yes, goal missed` or `NO`."""
        if not self._meets(self.budget):
            return "**NO**"
        return "yes" if self.goal is None or self._meets(self.goal) else "yes, goal missed"

    def bound(self, limit: float | None) -> str:
        """A budget or goal as the table shows it."""
        return "" if limit is None else f"{'≥' if self.at_least else '≤'} {limit:,g} {self.unit}".rstrip()

    def _meets(self, limit: float) -> bool:
        return self.value >= limit if self.at_least else self.value <= limit


def rows(results: Results) -> Iterator[Row]:
    """The rows of the sections that were measured."""
    for section, make in (
        ("a", _counted),
        ("b", _timed),
        ("c", _recorded),
        ("d", _kept),
        ("e", _scraped),
        ("f", _reported),
        ("g", _told),
    ):
        if section in results:
            yield from make(results[section])


def added_time(section: Any, kind: str, cell: str, variant: str, base: str = "bare") -> Interval:
    """Microseconds that a variant adds to another one."""
    samples = section[kind][cell]
    return paired_difference(samples[base], samples[variant])


def _counted(section: Any) -> Iterator[Row]:
    counts = section["counts"]
    bare = instructions.middle(counts, "bare", "healthy")
    again = 100 * abs(instructions.added(counts, "bare_again", "healthy").estimate) / bare
    yield Row("A/A: the bare application twice, instructions", again, f"{again:.2f}", "%", 100 * NOISE)
    disabled = 100 * instructions.added(counts, "disabled", "healthy").estimate / bare
    yield Row("disabled, added to a request, instructions", disabled, f"{disabled:.2f}", "%", 100 * NOISE)
    ours = instructions.added(counts, "ours", "healthy").estimate
    for peer, ratio in RATIO.items():
        times = instructions.added(counts, peer, "healthy").estimate / ours
        yield Row(f"{peer} against ours, instructions added", times, f"{times:.1f}", "times", ratio, at_least=True)


def _timed(section: Any) -> Iterator[Row]:
    for measure, kind, cell, pair, budget, goal in (
        ("error + HTTP metrics, added to a request, hot loop", "hot", "healthy", ("ours", "bare"), 20, 10),
        ("error + HTTP metrics, added to a request in uvicorn", "server", "healthy", ("ours", "bare"), 30, 15),
        ("module on against off, error response, its own thread", "thread", "error", ("errors", "disabled"), 10, None),
    ):
        found = added_time(section, kind, cell, *pair)
        yield Row(measure, found.high, interval(found), "µs CPU", budget, goal)


def _recorded(section: Any) -> Iterator[Row]:
    for method in ("record", "record_async"):
        times = section[f"{method}, 1 thread"]
        yield Row(f"`{method}()`, median", times["median"], f"{times['median']:.1f}", "µs", 3)
        yield Row(f"`{method}()`, 99th percentile", times["p99"], f"{times['p99']:.1f}", "µs", 50)


def _kept(section: Any) -> Iterator[Row]:
    megabytes = max(section["full"], section["after_20000"]) / 1e6
    yield Row("history of 10,000 events", megabytes, f"{megabytes:.1f}", "MB", 5)
    yield Row("one event", section["per_event"], f"{section['per_event']:.0f}", "B", 500)


def _scraped(section: Any) -> Iterator[Row]:
    worst = section["1000"]["stall_worst"]
    yield Row("scrape of 1,000 series under load, longest stall", worst, f"{worst:.1f}", "ms", 20, 5)


def _reported(section: Any) -> Iterator[Row]:
    healthy = added_time(section, "thread", "healthy", "sentry", "sentry_off")
    yield Row("Sentry configured, added to a healthy request", healthy.high, interval(healthy), "µs CPU", 5)
    for name, state in SENTRY_STATES.items():
        found = added_time(section, "thread", "error", name, "sentry_off")
        measure = f"a Sentry {state}, added to an error response, its own thread"
        yield Row(measure, found.high, interval(found), "µs CPU", 100)


def _told(section: Any) -> Iterator[Row]:
    line = added_time(section, "pair", "healthy", "logs", "ids")
    yield Row("a log line for each request, sampled at 10 %, hot loop", line.high, interval(line), "µs CPU", 10)
    for kind, where in (("hot", "hot loop"), ("server", "in uvicorn")):
        span = added_time(section, kind, "healthy", "traces", "ids")
        yield Row(f"a span for each request, all sent, {where}", span.high, interval(span), "µs CPU", 300)


def interval(found: Interval) -> str:
    """An estimate with its interval, one decimal."""
    return f"{found.estimate:.1f} ({found.low:.1f} to {found.high:.1f})"
