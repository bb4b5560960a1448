"""The counted series: one for each pair of code and status, up to a limit, and one `other` for each domain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .cells import CounterChild
from .domains import ErrorDomain
from .prometheus import PrometheusExporter
from .windows import Tally

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


class Series(Tally):
    """Counts of one code with one status, here and in Prometheus."""

    __slots__ = ("code", "counter", "domain")

    def __init__(self, code: int | str, domain: str, counter: CounterChild | None) -> None:
        super().__init__()
        self.code, self.domain, self.counter = code, domain, counter

    def copy(self, now: float) -> SeriesCopy:
        """Return the state, with windows that end at `now`."""
        return SeriesCopy(
            self.code,
            self.domain,
            self.count,
            self.first_seen,
            self.last_seen,
            self.totals(now),
            self.minutes.series(now),
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
            series = self.known[code, status] = self._new(code, domain, str(status))
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
