"""A counter for what happens before there is a registry, too: the start of a process is when most goes wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry

from service.error_metrics.cells import CounterChild, CounterFamily, make_counter


class EarlyCounter:
    """Counts at once, and is exported once there is a registry.

    Args:
        name: of the metric, ending in `_total`.
        text: what it counts.
        labels: their names.
    """

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self._shape = name, text, labels
        self._lock = threading.Lock()
        self._early: Counter[tuple[str, ...]] = Counter()
        self._family: CounterFamily | None = None
        self._children: dict[tuple[str, ...], CounterChild] = {}

    def register(self, registry: CollectorRegistry, series: Iterable[tuple[str, ...]]) -> None:
        """Export it, with these label values from zero so that the first event is an increase.

        Raises:
            ValueError: the registry holds series of this name already.
        """
        family = make_counter(*self._shape, registry)
        for labels in series:
            family.labels(*labels)
        with self._lock:
            self._family, early = family, self._early
        for labels, number in early.items():
            family.labels(*labels).inc(number)

    def add(self, *labels: str, number: int = 1) -> None:
        """Count events with these label values."""
        child = self._children.get(labels)
        if child is None:
            with self._lock:
                if self._family is None:
                    self._early[labels] += number
                    return
            child = self._children[labels] = self._family.labels(*labels)
        child.inc(number)
