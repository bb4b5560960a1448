"""Counters and histograms for the request path: plain numbers that take their exposition form when somebody scrapes.

prometheus_client's own cost a request about twice as much (`docs/benchmarks.md`). They are used where several workers
share their numbers (`PROMETHEUS_MULTIPROC_DIR`), which these cannot do. Both kinds look alike from outside.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class CounterChild(Protocol):
    """One series of a counter."""

    def inc(self, amount: float = 1) -> None:
        """Add to it."""
        ...


class HistogramChild(Protocol):
    """One series of a histogram."""

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Take in one value, in seconds, with the labels of an example of it."""
        ...


class CounterFamily(Protocol):
    """A counter with labels."""

    def labels(self, *values: str) -> CounterChild:
        """Return the series with these label values, to be kept by whoever counts often."""
        ...


class HistogramFamily(Protocol):
    """A histogram with labels."""

    def labels(self, *values: str) -> HistogramChild:
        """Return the series with these label values, to be kept by whoever observes often."""
        ...


def shared_by_workers() -> bool:
    """Tell whether several processes add up their metrics in files.

    Raises:
        ValueError: there is no folder for the files.
    """
    folder = os.environ.get(SHARED_FOLDER)
    # prometheus_client looks only whether there is such a variable, so an empty one would send it to the root folder.
    if folder is not None and not (folder and Path(folder).is_dir()):
        raise ValueError(f"{SHARED_FOLDER}: there is no folder {folder!r}, create it or unset the variable")
    return folder is not None


def make_counter(name: str, text: str, labels: Sequence[str], registry: CollectorRegistry) -> CounterFamily:
    """Register a counter whose name ends in `_total`.

    Raises:
        ValueError: the registry holds its name already.
    """
    if shared_by_workers():
        return Counter(name, text, labels, registry=registry)
    return _Counter(name, text, labels, registry)


def make_histogram(
    name: str, text: str, labels: Sequence[str], buckets: Sequence[float], registry: CollectorRegistry
) -> HistogramFamily:
    """Register a histogram with these upper bounds, in rising order.

    Raises:
        ValueError: the registry holds its name already.
    """
    if shared_by_workers():
        return Histogram(name, text, labels, registry=registry, buckets=buckets)
    return _Histogram(name, text, labels, buckets, registry)


def only_child(family: Any, values: Sequence[str] = ()) -> Any:
    """Return the only series of a counter or histogram whose labels, if it has any, never change."""
    # prometheus_client's families without labels are their own only series.
    return family.labels(*values) if values or isinstance(family, _Counter | _Histogram) else family


class _CounterCell:
    __slots__ = ("_lock", "value")

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self.value = 0.0

    def inc(self, amount: float = 1) -> None:
        with self._lock:
            self.value += amount


class _Counter(Collector):
    def __init__(self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._lock = threading.Lock()
        self._cells: dict[tuple[str, ...], _CounterCell] = {}
        registry.register(self)

    def labels(self, *values: str) -> _CounterCell:
        with self._lock:
            return self._cells.setdefault(values, _CounterCell(self._lock))

    def describe(self) -> Iterable[Metric]:
        return [CounterMetricFamily(self._name, self._text, labels=self._labels)]

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        with self._lock:
            values = [(labels, cell.value) for labels, cell in self._cells.items()]
        for labels, value in values:
            family.add_metric(labels, value)
        return [family]


class _HistogramCell:
    __slots__ = ("_bounds", "_lock", "counts", "exemplars", "total")

    def __init__(self, bounds: Sequence[float], lock: threading.Lock) -> None:
        self._bounds, self._lock = bounds, lock
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        self.exemplars: dict[int, Exemplar] = {}  # the newest of each bucket

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        place = bisect_left(self._bounds, amount)
        if exemplar is not None:
            self.exemplars[place] = Exemplar(exemplar, amount, time.time())
        with self._lock:
            self.counts[place] += 1
            self.total += amount


class _Histogram(Collector):
    def __init__(
        self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name, self._text, self._labels, self._bounds = name, text, labels, bounds
        self._shown = [*map(floatToGoString, bounds), "+Inf"]
        self._lock = threading.Lock()
        self._cells: dict[tuple[str, ...], _HistogramCell] = {}
        registry.register(self)

    def labels(self, *values: str) -> _HistogramCell:
        with self._lock:
            return self._cells.setdefault(values, _HistogramCell(self._bounds, self._lock))

    def describe(self) -> Iterable[Metric]:
        return [HistogramMetricFamily(self._name, self._text, labels=self._labels)]

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        with self._lock:
            rows = [(labels, list(cell.counts), cell.total, cell.exemplars) for labels, cell in self._cells.items()]
        for labels, counts, total, exemplars in rows:
            found: Iterable[Any] = map(exemplars.get, range(len(counts)))
            family.add_metric(labels, list(zip(self._shown, accumulate(counts), found, strict=True)), total)
        return [family]
