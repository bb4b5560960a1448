"""Percentiles of the last minutes, exact and of one process; for many, there is the histogram."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from math import ceil
from time import monotonic

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

WINDOW, MAX_KEPT = 300.0, 8192  # seconds; values
QUANTILES = (0.5, 0.9, 0.95, 0.99)


class LatencySummary(Collector):
    """A summary: count and sum since the start, quantiles of the newest values of the last five minutes.

    Args:
        name: of the metric.
        text: what it measures.
        registry: where it is registered.
        clock: seconds, for tests.
    """

    def __init__(
        self, name: str, text: str, registry: CollectorRegistry, clock: Callable[[], float] = monotonic
    ) -> None:
        self._name, self._text, self._clock = name, text, clock
        self._lock = threading.Lock()
        self._values: deque[tuple[float, float]] = deque(maxlen=MAX_KEPT)
        self._count, self._sum = 0, 0.0
        registry.register(self)

    def add(self, seconds: float) -> None:
        """Take in a value."""
        with self._lock:
            self._values.append((self._clock(), seconds))
            self._count += 1
            self._sum += seconds

    def describe(self) -> Iterable[Metric]:
        """Name the family, so that the registry refuses a second one."""
        return [Metric(self._name, self._text, "summary")]

    def collect(self) -> Iterable[Metric]:
        """Show the quantiles; there are none of a time in which nothing happened."""
        oldest = self._clock() - WINDOW
        with self._lock:
            values = sorted(seconds for at, seconds in self._values if at >= oldest)
            count, total = self._count, self._sum
        family = Metric(self._name, self._text, "summary")
        for quantile in QUANTILES:
            value = values[ceil(quantile * len(values)) - 1] if values else float("nan")
            family.add_sample(self._name, {"quantile": str(quantile)}, value)
        family.add_sample(f"{self._name}_count", {}, count)
        family.add_sample(f"{self._name}_sum", {}, total)
        return [family]
