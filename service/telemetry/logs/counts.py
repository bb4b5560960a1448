"""How many lines were written, and how many were lost or left out."""

from __future__ import annotations

import threading
from collections import Counter

from prometheus_client import CollectorRegistry

from service.error_metrics.cells import CounterChild, CounterFamily, make_counter

from .config import LEVELS

# What was left out on purpose, and what was lost.
SAMPLED, RATE_LIMITED, REPEATED, QUEUE_FULL, WRITE_FAILED = REASONS = (
    "sampled",
    "rate_limited",
    "repeated",
    "queue_full",
    "write_failed",
)


class LogCounts:
    """Counts by level and, for lines that were not written, by reason.

    Logging begins before there is a registry: what was counted until then is added when there is one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._early: Counter[tuple[str, ...]] = Counter()
        self._families: tuple[CounterFamily, CounterFamily] | None = None
        self._children: dict[tuple[str, ...], CounterChild] = {}

    def register(self, registry: CollectorRegistry) -> None:
        """Export the counts.

        Raises:
            ValueError: the registry holds series of these names already.
        """
        families = (
            make_counter("log_lines_total", "Lines written.", ("level",), registry),
            make_counter("log_lines_dropped_total", "Lines not written.", ("level", "reason"), registry),
        )
        for level in LEVELS:  # from zero, so that the first loss is an increase
            families[0].labels(level)
            for reason in REASONS:
                families[1].labels(level, reason)
        with self._lock:
            self._families, early = families, self._early
            self._early = Counter()
        for labels, number in early.items():
            families[len(labels) - 1].labels(*labels).inc(number)

    def written(self, level: str, number: int = 1) -> None:
        """Count lines that are out."""
        self._count((level,), number)

    def dropped(self, level: str, reason: str, number: int = 1) -> None:
        """Count lines that are lost or left out."""
        self._count((level, reason), number)

    def _count(self, labels: tuple[str, ...], number: int) -> None:
        if self._families is None:
            with self._lock:
                if self._families is None:
                    self._early[labels] += number
                    return
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._families[len(labels) - 1].labels(*labels)
        child.inc(number)
