"""Counting before there is a registry."""

from __future__ import annotations

import os

import pytest
from prometheus_client import CollectorRegistry

from service.telemetry.early_counter import EarlyCounter


@pytest.fixture
def counter() -> EarlyCounter:
    """Return a counter that nobody exports yet."""
    return EarlyCounter("lost_total", "Things that were lost.", ("what", "reason"))


def value(registry: CollectorRegistry, what: str, reason: str) -> float | None:
    """Return what is exported."""
    return registry.get_sample_value("lost_total", {"what": what, "reason": reason})


def test_what_was_counted_early_is_exported_later(counter: EarlyCounter) -> None:
    """And what comes after adds to it."""
    registry = CollectorRegistry()
    counter.add("key", "hole", number=2)
    counter.register(registry, ())
    assert value(registry, "key", "hole") == 2
    counter.add("key", "hole")
    counter.add("purse", "hole", number=3)
    assert (value(registry, "key", "hole"), value(registry, "purse", "hole")) == (3, 3)


def test_known_series_begin_at_zero(counter: EarlyCounter) -> None:
    """A series that appears with its first event shows no increase."""
    registry = CollectorRegistry()
    counter.register(registry, [("key", "hole")])
    assert (value(registry, "key", "hole"), value(registry, "key", "thief")) == (0, None)


def test_a_name_that_is_taken_is_refused(counter: EarlyCounter) -> None:
    """Two counters of one name would hide each other."""
    registry = CollectorRegistry()
    counter.register(registry, ())
    with pytest.raises(ValueError, match="lost"):
        counter.register(registry, ())


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_what_was_counted_early_goes_with_the_first_child(counter: EarlyCounter) -> None:
    """Several forked workers that add up their counts must not add it several times."""
    counter.add("key", "hole", number=2)
    for inherited in (2, None):
        pid = os.fork()
        if pid == 0:
            registry = CollectorRegistry()
            counter.register(registry, ())
            os._exit(0 if value(registry, "key", "hole") == inherited else 1)
        assert os.waitpid(pid, 0)[1] == 0
