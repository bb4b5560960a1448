"""The counts of one process as values that can be added up: each process owns its state, and only it changes it.

A state is never an increment, so it may be lost, sent twice or read late, and nothing is counted twice: whoever wants
the whole picture adds up the newest state of each process.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from .polite import politely
from .windows import HOUR, HOURS, MINUTE, MINUTES, Buckets, spread, windows

MAX_SERIES = 500
OTHER = "other"
Code = int | str
Key = tuple[Code, Code, str]  # code, status and domain


class SeriesCopy(NamedTuple):
    """One series as it is shown at one moment."""

    code: Code
    domain: str
    errors: int
    first_seen: float
    last_seen: float
    windows: dict[str, int]
    minutes: list[int]


class SeriesState(NamedTuple):
    """All that is known of one series; times are seconds since the epoch."""

    code: Code
    status: Code
    domain: str
    errors: int
    first_seen: float
    last_seen: float
    minutes: Buckets
    hours: Buckets

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.code, self.status, self.domain

    def at(self, now: float) -> SeriesCopy:
        """Return what is shown at `now`, with windows that end then."""
        minutes = spread(self.minutes, MINUTES, int(now) // MINUTE)
        hours = spread(self.hours, HOURS, int(now) // HOUR)
        return SeriesCopy(
            self.code,
            self.domain,
            self.errors,
            self.first_seen,
            self.last_seen,
            windows(minutes, hours),
            minutes,
        )


def add_up(states: Iterable[SeriesState], limit: int = MAX_SERIES) -> list[SeriesState]:
    """Return one state for each key; those of keys past the limit go into their domain's `other`."""
    groups: defaultdict[Key, list[SeriesState]] = defaultdict(list)
    for state in states:
        key = state.key
        if key not in groups and len(groups) >= limit:
            key = (OTHER, OTHER, state.domain)
        groups[key].append(state)
    return [_sum(key, group) for key, group in politely(groups.items())]


def _sum(key: Key, group: list[SeriesState]) -> SeriesState:
    if len(group) == 1:
        return group[0]._replace(code=key[0], status=key[1])
    return SeriesState(
        *key,
        sum(state.errors for state in group),
        min(state.first_seen for state in group),
        max(state.last_seen for state in group),
        _together((state.minutes for state in group), MINUTES),
        _together((state.hours for state in group), HOURS),
    )


def _together(several: Iterable[Buckets], size: int) -> Buckets:
    counts: defaultdict[int, int] = defaultdict(int)
    for buckets in several:
        for number, count in zip(*buckets, strict=True):
            if count:
                counts[number] += count
    newest = sorted(counts)[-size:]
    return Buckets(array("q", newest), array("Q", [counts[number] for number in newest]))
