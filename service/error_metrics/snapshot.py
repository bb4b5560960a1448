"""All counts of one moment, as immutable values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from .states import Code, SeriesCopy
from .windows import MINUTE, MINUTES, WINDOWS


@dataclass(frozen=True)
class Counts:
    """A total and its two breakdowns, which always add up to it. Codes past the limit are the code `other`."""

    total_errors: int
    by_code: Mapping[Code, int]
    by_domain: Mapping[str, int]


@dataclass(frozen=True)
class Seen:
    """When a code came first and last, in UTC, and how often in each window."""

    domain: str
    first_seen: datetime
    last_seen: datetime
    windows: Mapping[str, int]


@dataclass(frozen=True)
class Snapshot(Counts):
    """Everything that the collector counts, at one moment.

    `minutes` are the errors of the last 60 minutes, oldest first; `minutes_start` is where the first begins.
    `degraded` is whether a shared store is away.
    """

    windows: Mapping[str, Counts]
    codes_of_domain: Mapping[str, Mapping[Code, int]]
    seen: Mapping[Code, Seen]
    minutes: tuple[int, ...]
    minutes_start: datetime
    last_updated: datetime | None
    dropped_events: int
    label_overflow: int
    degraded: bool


def summarise(rows: list[SeriesCopy], now: float, dropped: int, overflow: int, *, degraded: bool = False) -> Snapshot:
    """Add up series into a snapshot taken at `now`, seconds since the epoch."""
    rows = [row for row in rows if row.errors]
    total = _counts(rows, lambda row: row.errors)
    minutes = tuple(map(sum, zip(*(row.minutes for row in rows), strict=True))) if rows else (0,) * MINUTES
    last = max((row.last_seen for row in rows), default=None)
    return Snapshot(
        total.total_errors,
        total.by_code,
        total.by_domain,
        MappingProxyType({name: _counts(rows, _window(name)) for name in WINDOWS}),
        MappingProxyType({name: _codes_of(rows, name) for name in total.by_domain}),
        MappingProxyType(_seen(rows)),
        minutes,
        _utc((int(now) // MINUTE - MINUTES + 1) * MINUTE),
        None if last is None else _utc(last),
        dropped,
        overflow,
        degraded,
    )


def _window(name: str) -> Callable[[SeriesCopy], int]:
    return lambda row: row.windows[name]


def _counts(rows: list[SeriesCopy], count: Callable[[SeriesCopy], int]) -> Counts:
    by_code: Counter[Code] = Counter()
    by_domain: Counter[str] = Counter()
    for row in rows:
        if number := count(row):
            by_code[row.code] += number
            by_domain[row.domain] += number
    ordered = MappingProxyType(dict(by_code.most_common()))
    return Counts(by_code.total(), ordered, MappingProxyType(dict(by_domain.most_common())))


def _codes_of(rows: list[SeriesCopy], domain: str) -> Mapping[Code, int]:
    return _counts([row for row in rows if row.domain == domain], lambda row: row.errors).by_code


def _seen(rows: list[SeriesCopy]) -> dict[Code, Seen]:
    groups: dict[Code, list[SeriesCopy]] = {}
    for row in rows:
        groups.setdefault(row.code, []).append(row)
    return {code: _merged(group) for code, group in groups.items()}


def _merged(group: Iterable[SeriesCopy]) -> Seen:
    rows = list(group)
    return Seen(
        rows[0].domain,
        _utc(min(row.first_seen for row in rows)),
        _utc(max(row.last_seen for row in rows)),
        MappingProxyType({name: sum(row.windows[name] for row in rows) for name in WINDOWS}),
    )


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
