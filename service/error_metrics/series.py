"""The counted series: one for each pair of code and status, up to a limit, and one `other` for each domain."""

from __future__ import annotations

from collections.abc import Iterator

from .cells import CounterChild
from .domains import ErrorDomain
from .prometheus import PrometheusExporter
from .states import MAX_SERIES, OTHER, Code, Key, SeriesState
from .windows import Tally


class Series(Tally):
    """Counts of one code with one status, here and in Prometheus."""

    __slots__ = ("code", "counter", "domain", "status")

    def __init__(self, code: Code, status: Code, domain: str, counter: CounterChild | None) -> None:
        super().__init__()
        self.code, self.status, self.domain, self.counter = code, status, domain, counter

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.code, self.status, self.domain

    def state(self) -> SeriesState:
        """Return a copy; quick, for whoever holds the lock."""
        return SeriesState(
            *self.key, self.count, self.first_seen, self.last_seen, self.minutes.copy(), self.hours.copy()
        )


class SeriesTable:
    """The series by code and status; beyond `MAX_SERIES` pairs there is the domain's `other`, and a count of that.

    Attributes:
        known: the series that have one of their own.
        overflow: errors that were counted as `other`.
    """

    def __init__(self, exporter: PrometheusExporter | None, limit: int = MAX_SERIES) -> None:
        self._exporter = exporter
        self._limit = limit
        self.known: dict[tuple[int, int], Series] = {}
        self._others: dict[str, Series] = {}
        self.overflow = 0

    def __iter__(self) -> Iterator[Series]:
        yield from self.known.values()
        yield from self._others.values()

    def clear(self) -> None:
        """Forget every count, but not which series there are: in Prometheus they go on, and their number is limited."""
        for series in self:
            series.clear()
        self.overflow = 0

    def make(self, code: int, status: int) -> Series:
        """Return the series of a code and status that is not `known` yet."""
        domain = ErrorDomain.from_code(code).name
        if len(self.known) < self._limit:
            series = self.known[code, status] = self._new(code, status, domain)
            return series
        self.overflow += 1
        if self._exporter is not None:
            self._exporter.label_overflow.inc()
        if domain not in self._others:
            self._others[domain] = self._new(OTHER, OTHER, domain)
        return self._others[domain]

    def _new(self, code: Code, status: Code, domain: str) -> Series:
        counter = None if self._exporter is None else self._exporter.counter(str(code), domain, str(status))
        return Series(code, status, domain, counter)
