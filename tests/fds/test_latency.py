"""Percentiles of the last minutes."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry

from service.fds.latency import MAX_KEPT, LatencySummary


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def shown(registry: CollectorRegistry, quantile: str) -> float:
    """Return a quantile."""
    value = registry.get_sample_value("x_seconds", {"quantile": quantile})
    assert value is not None
    return value


def test_quantiles_are_the_nearest_ranks() -> None:
    """Of a hundred values, the 99th is that of 99 percent."""
    registry = CollectorRegistry()
    summary = LatencySummary("x_seconds", "X.", registry)
    for value in range(100, 0, -1):
        summary.add(float(value))
    assert [shown(registry, quantile) for quantile in ("0.5", "0.9", "0.95", "0.99")] == [50, 90, 95, 99]
    assert registry.get_sample_value("x_seconds_count") == 100
    assert registry.get_sample_value("x_seconds_sum") == 5050


def test_what_is_older_than_five_minutes_does_not_count() -> None:
    """But in count and sum, which never fall."""
    registry, clock = CollectorRegistry(), Clock()
    summary = LatencySummary("x_seconds", "X.", registry, clock)
    summary.add(7.0)
    clock.now = 300.0
    summary.add(1.0)
    assert shown(registry, "0.99") == 7.0
    clock.now = 300.1
    assert shown(registry, "0.99") == 1.0
    clock.now = 1000.0
    assert math.isnan(shown(registry, "0.99"))
    assert registry.get_sample_value("x_seconds_count") == 2


def test_memory_is_bounded() -> None:
    """The newest values stay."""
    registry = CollectorRegistry()
    summary = LatencySummary("x_seconds", "X.", registry)
    for value in range(MAX_KEPT + 10):
        summary.add(float(value))
    assert len(summary._values) == MAX_KEPT
    assert summary._values[0][1] == 10.0


def test_a_name_that_is_taken_is_refused() -> None:
    """Two summaries of one name would hide each other."""
    registry = CollectorRegistry()
    LatencySummary("x_seconds", "X.", registry)
    with pytest.raises(ValueError, match="x_seconds"):
        LatencySummary("x_seconds", "X.", registry)
