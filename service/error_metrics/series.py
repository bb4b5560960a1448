"""The counted series: one for each pair of code and status, up to a limit, and one `other` for each domain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import Counter

from .domains import ErrorDomain
from .prometheus import PrometheusExporter
from .windows import Windows

MAX_SERIES = 500
OTHER = "other"


class SeriesCopy(NamedTuple):
    """The state of one series at one moment."""

    code: int | str
    domain: str
    errors: int
    first_seen: float
    last_seen: float
    windows: dict[str, int]
    minutes: list[int]


class Series:
    """Counts of one code with one status. Not thread-safe: the collector holds its lock."""

    __slots__ = ("code", "count", "counter", "domain", "first_seen", "last_seen", "windows")

    def __init__(self, code: int | str, domain: str, counter: Counter | None) -> None:
        self.code, self.domain, self.counter = code, domain, counter
        self.count = 0
        self.first_seen = self.last_seen = 0.0
        self.windows = Windows()

    def add(self, now: float) -> None:
        """Count one error at `now`."""
        if not self.count:
            self.first_seen = now
        self.count += 1
        self.last_seen = now
        self.windows.add(now)

    def copy(self, now: float) -> SeriesCopy:
        """Return the state, with windows that end at `now`."""
        windows = self.windows
        return SeriesCopy(
            self.code,
            self.domain,
            self.count,
            self.first_seen,
            self.last_seen,
            windows.totals(now),
            windows.minutes.series(now),
        )


class SeriesTable:
    """Finds the series of an error; beyond `MAX_SERIES` pairs it gives the domain's `other` and counts that."""

    def __init__(self, exporter: PrometheusExporter | None, limit: int = MAX_SERIES) -> None:
        self._exporter = exporter
        self._limit = limit
        self._series: dict[tuple[int, int], Series] = {}
        self._others: dict[str, Series] = {}
        self.overflow = 0

    def get(self, code: int, status: int) -> Series:
        """Return the series of a code and status, made on first use."""
        return self._series.get((code, status)) or self._make(code, status)

    def __iter__(self) -> Iterator[Series]:
        yield from self._series.values()
        yield from self._others.values()

    def clear(self) -> None:
        """Forget every series."""
        self._series.clear()
        self._others.clear()

    def _make(self, code: int, status: int) -> Series:
        domain = ErrorDomain.from_code(code).name
        if len(self._series) < self._limit:
            series = self._series[code, status] = self._new(code, domain, str(status))
            return series
        self.overflow += 1
        if self._exporter is not None:
            self._exporter.label_overflow.inc()
        if domain not in self._others:
            self._others[domain] = self._new(OTHER, domain, OTHER)
        return self._others[domain]

    def _new(self, code: int | str, domain: str, status: str) -> Series:
        counter = None if self._exporter is None else self._exporter.counter(str(code), domain, status)
        return Series(code, domain, counter)
