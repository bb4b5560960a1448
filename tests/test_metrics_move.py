"""Every metric of docs/metrics.md moves, of services that run; and what they show is on the page."""

from __future__ import annotations

import tomllib
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.scrapes import Scrape, moved, scrape
from tests.servers import REPOSITORY
from tests.stage import Stage, crowded, stage, watched

PAGE: dict[str, dict[str, Any]] = {
    metric["name"]: metric
    for section in tomllib.loads((REPOSITORY / "docs" / "metrics.toml").read_text("utf-8"))["section"]
    for metric in section["metric"]
}
AT_START = {
    "app_info": "what runs",
    "db_connections_max": "the size of the pool",
    "dependency_up": "the first readiness check",
    "process_cpu_limit_cores": "the limits of the control group, or else of the machine",
    "process_memory_limit_bytes": "likewise",
}
"""Gauges that say something as soon as the service runs: before, there is none. All others need an event."""
ACTIONS = {
    "http_requests_in_progress": ("shop", "unfinished_request"),
    "db_connections_active": ("shop", "locked_database"),
    "fds_evaluations_in_progress": ("fds", "slow_engine"),
    "fds_engine_timeouts_total": ("fds", "slow_engine"),
    "fds_sla_violations_total": ("fds", "stopped_process"),
    "fastapi_sentry_events_sent_total": ("shop", "bug"),
    "fastapi_sentry_events_dropped_total": ("shop", "bug"),
    "circuit_breaker_state": ("shop", "redis_killed"),  # last: nobody starts it again
}
"""What the demo can't bring about, or only by chance: which service shows it, and what is done (see `Stage`)."""
CROWDED = ("fastapi_label_overflow_total", "http_label_overflow_total", "fastapi_error_events_dropped_total")
"""More routes and codes than there are labels for, and errors faster than they can be kept, in a service of its own."""
BY_DEMO = [name for name in PAGE if name not in (*AT_START, *ACTIONS, *CROWDED)]
"""All others, each by the demo traffic alone. Where the disk is full (fraud detection's stdout) no log line is written,
and where a collector refuses spans (the shop's) none is sent: so these losses are the demo's doing, too."""
pytestmark = pytest.mark.docker


class Observed:
    """What was seen before and after something was done, by metric, and all that was ever shown."""

    def __init__(self) -> None:
        self.pairs: dict[str, list[tuple[Scrape, Scrape]]] = {}
        self.all: list[Scrape] = []

    def note(self, names: object, before: Scrape, after: Scrape) -> None:
        """Keep a pair of scrapes for some metrics."""
        self.all += [before, after]
        for name in list(names):  # type: ignore[call-overload]
            self.pairs.setdefault(name, []).append((before, after))


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Observed:
    """Do everything once."""
    seen = Observed()
    with stage(tmp_path_factory.mktemp("stage")) as running:
        bases = {"shop": running.shop, "fds": running.fds}
        first = {name: scrape(base) for name, base in bases.items()}
        running.demo()
        for name, base in bases.items():
            seen.note(AT_START, {}, first[name])
            seen.note(BY_DEMO, first[name], scrape(base))
        for metric, (service, action) in ACTIONS.items():
            for _ in range(3):  # a busy machine may not have come to it
                before, after = _done(running, bases[service], action, metric)
                seen.note([metric], before, after)
                if moved(before, after, metric):
                    break
    with crowded(tmp_path_factory.mktemp("crowded")) as (base, crowd):
        before = scrape(base)
        crowd()
        seen.note(CROWDED, before, scrape(base))
    return seen


def _done(running: Stage, base: str, action: str, metric: str) -> tuple[Scrape, Scrape]:
    before = scrape(base)
    doing: AbstractContextManager[None] = getattr(running, action)()
    with doing:
        return before, watched(base, metric, before, moved)


@pytest.mark.parametrize("metric", PAGE)
def test_every_documented_metric_moves(observed: Observed, metric: str) -> None:
    """By what the tables above say, to something that is not zero."""
    assert any(moved(before, after, metric) for before, after in observed.pairs[metric])


def test_everything_that_is_shown_is_on_the_page(observed: Observed) -> None:
    """With its type and its labels."""
    found = {(name, family.type) for shown in observed.all for name, family in shown.items()}
    assert found == {(name, metric["type"]) for name, metric in PAGE.items()}
    for shown in observed.all:
        for name, family in shown.items():
            assert family.labels in (frozenset(PAGE[name]["labels"]), frozenset()), name


def test_the_tables_name_only_what_there_is() -> None:
    """Each metric once."""
    named = [*AT_START, *ACTIONS, *CROWDED, *BY_DEMO]
    assert sorted(named) == sorted(PAGE)


def test_precision_and_recall_of_the_demo_are_real(observed: Observed) -> None:
    """They are made of what the fraud service was told, and not of a model that is always right."""
    _, after = next(pair for pair in observed.pairs["fds_precision"] if moved(*pair, "fds_precision"))
    hits, wrong, missed = (
        sum(after[f"fds_{name}_total"].samples.values())
        for name in ("true_positives", "false_positives", "false_negatives")
    )
    (precision,), (recall,) = (after[name].samples.values() for name in ("fds_precision", "fds_recall"))
    assert precision == pytest.approx(hits / (hits + wrong))
    assert recall == pytest.approx(hits / (hits + missed))
    assert recall < 1
