"""Counts over the last hour, day and week, from a fixed ring of minutes and one of hours.

A window ends with the bucket that is running and holds whole buckets: an event counts in the last hour while
`floor(now / 60 s) - floor(event / 60 s) < 60`, and likewise with hours for the day (24) and the week (168). So an
event leaves the hour after 59 to 60 minutes and the day after 23 to 24 hours, and memory does not grow with events.
"""

from __future__ import annotations

from array import array

MINUTE, HOUR = 60, 3600
MINUTES, HOURS, DAY_HOURS = 60, 168, 24
WINDOWS = ("1h", "24h", "7d")


class Ring:
    """Counts of the newest `size` buckets of `width` seconds each.

    A clock that steps back by less than the whole ring counts into the newest bucket; a longer step, either way,
    starts the ring anew. Not thread-safe: the caller holds a lock.
    """

    __slots__ = ("counts", "newest", "size", "width")

    def __init__(self, size: int, width: int) -> None:
        self.size, self.width = size, width
        self.counts = array("Q", bytes(8 * size))
        self.newest = 0

    def advance(self, bucket: int) -> int:
        """Make `bucket` the newest, if it is newer, and return the place in `counts` where to count now."""
        step = bucket - self.newest
        if step > 0 or step <= -self.size:
            self._drop_between(bucket, step)
            self.newest = bucket
        return self.newest % self.size

    def total(self, now: float, buckets: int | None = None) -> int:
        """Return the events of the last `buckets` buckets (by default of all) before the end of the one running."""
        return sum(self.series(now, buckets))

    def series(self, now: float, buckets: int | None = None) -> list[int]:
        """Return the counts of the last `buckets` buckets, the oldest first."""
        length = self.size if buckets is None else buckets
        last = int(now) // self.width
        if self.newest > last:  # the clock has stepped back
            last = self.newest if self.newest - last < self.size else last
        return [self._at(bucket) for bucket in range(last - length + 1, last + 1)]

    def clear(self) -> None:
        """Forget every event."""
        self.counts[:] = array("Q", bytes(8 * self.size))

    def _at(self, bucket: int) -> int:
        return self.counts[bucket % self.size] if self.newest - self.size < bucket <= self.newest else 0

    def _drop_between(self, bucket: int, step: int) -> None:
        if abs(step) >= self.size:
            self.clear()
            return
        for passed in range(self.newest + 1, bucket + 1):
            self.counts[passed % self.size] = 0


class Tally:
    """How often something came: in all, in each window, and when first and last, in seconds since the epoch.

    Not thread-safe: the caller holds a lock.
    """

    __slots__ = ("_hour_place", "_minute", "_minute_place", "count", "first_seen", "hours", "last_seen", "minutes")

    def __init__(self) -> None:
        self.count = 0
        self.first_seen = self.last_seen = 0.0
        self.minutes = Ring(MINUTES, MINUTE)
        self.hours = Ring(HOURS, HOUR)
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
        self.last_seen = now

    def totals(self, now: float) -> dict[str, int]:
        """Return the count of each window by its name."""
        day = self.hours.series(now)
        return {"1h": self.minutes.total(now), "24h": sum(day[-DAY_HOURS:]), "7d": sum(day)}

    def _enter(self, minute: int, now: float) -> None:
        if not self.count:
            self.first_seen = now
        self._minute = minute
        self._minute_place = self.minutes.advance(minute)
        self._hour_place = self.hours.advance(int(now) // HOUR)
