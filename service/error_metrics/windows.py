"""Counts over the last hour, day and week, from a fixed ring of minutes and one of hours.

A window ends with the bucket that is running and holds whole buckets: an event counts in the last hour while
`floor(now / 60 s) - floor(event / 60 s) < 60`, and likewise with hours for the day (24) and the week (168). So an
event leaves the hour after 59 to 60 minutes and the day after 23 to 24 hours, and memory does not grow with events.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

MINUTE, HOUR = 60, 3600
MINUTES, HOURS, DAY_HOURS = 60, 168, 24
WINDOWS = ("1h", "24h", "7d")


class Buckets(NamedTuple):
    """Buckets, numbered since the epoch, and what came in each; those with none mean nothing."""

    numbers: Sequence[int]
    counts: Sequence[int]


def spread(buckets: Buckets, size: int, running: int) -> list[int]:
    """Return the counts of the newest `size` buckets up to the one `running`, the oldest first.

    What a clock counted ahead, by less than the whole ring, shows in the bucket that is running.
    """
    counts = [0] * size
    before = running - size
    for number, count in zip(*buckets, strict=True):
        if number > before:
            if number <= running:
                counts[number - before - 1] += count
            elif number < running + size:
                counts[-1] += count
    return counts


def windows(minutes: list[int], hours: list[int]) -> dict[str, int]:
    """Return the count of each window by its name, from the newest minutes and hours."""
    return {"1h": sum(minutes), "24h": sum(hours[-DAY_HOURS:]), "7d": sum(hours)}


class Ring:
    """Counts of the newest `size` buckets of `width` seconds each; every place knows which bucket it holds.

    So a clock that jumps harms only the places that it touches. Not thread-safe: the caller holds a lock.
    """

    __slots__ = ("buckets", "counts", "size", "width")

    def __init__(self, size: int, width: int) -> None:
        self.size, self.width = size, width
        self.counts = array("Q", bytes(8 * size))
        self.buckets = array("q", bytes(8 * size))

    def place(self, now: float) -> int:
        """Return the place in `counts` where to count at `now`, emptied if it holds another bucket."""
        bucket = int(now) // self.width
        place = bucket % self.size
        if self.buckets[place] != bucket:
            self.buckets[place], self.counts[place] = bucket, 0
        return place

    def total(self, now: float) -> int:
        """Return the events of all buckets up to the one running."""
        return sum(self.series(now))

    def series(self, now: float) -> list[int]:
        """Return the count of each bucket up to the one running, the oldest first."""
        return spread(Buckets(self.buckets, self.counts), self.size, int(now) // self.width)

    def copy(self) -> Buckets:
        """Return the buckets of this moment; quick, for whoever holds a lock."""
        return Buckets(self.buckets[:], self.counts[:])

    def clear(self) -> None:
        """Forget every event."""
        self.counts[:] = array("Q", bytes(8 * self.size))


class Tally:
    """How often something came: in all, in each window, and when first and last, in seconds since the epoch.

    Not thread-safe: the caller holds a lock.
    """

    __slots__ = ("_hour_place", "_minute", "_minute_place", "count", "first_seen", "hours", "last_seen", "minutes")

    def __init__(self) -> None:
        self.minutes = Ring(MINUTES, MINUTE)
        self.hours = Ring(HOURS, HOUR)
        self.clear()

    def clear(self) -> None:
        """Forget every event."""
        self.count = 0
        self.first_seen = self.last_seen = 0.0
        self.minutes.clear()
        self.hours.clear()
        self._minute = -1
        self._minute_place = self._hour_place = 0

    def add(self, now: float) -> None:
        """Count one event at `now`, in seconds since the epoch."""
        minute = int(now) // MINUTE
        if minute != self._minute:  # the places stay the same within a minute
            self._enter(minute, now)
        self.minutes.counts[self._minute_place] += 1
        self.hours.counts[self._hour_place] += 1
        self.count += 1
        if now > self.last_seen:  # a clock may step back
            self.last_seen = now

    def totals(self, now: float) -> dict[str, int]:
        """Return the count of each window by its name."""
        return windows(self.minutes.series(now), self.hours.series(now))

    def _enter(self, minute: int, now: float) -> None:
        if not self.count:
            self.first_seen = now
        self._minute = minute
        self._minute_place = self.minutes.place(now)
        self._hour_place = self.hours.place(now)
