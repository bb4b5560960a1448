"""The newest events in memory, limited by number and age."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

from ..events import ErrorEvent


class MemoryStore:
    """Keeps the newest `size` events of the last `retention` seconds. Thread-safe.

    Args:
        size: number of events; the oldest go first.
        retention: seconds after which an event is no longer shown.
        clock: seconds since the epoch.

    Attributes:
        added: number of the newest event; the first one ever kept is 1.
    """

    def __init__(self, size: int, retention: float, clock: Callable[[], float]) -> None:
        self._events: deque[ErrorEvent] = deque(maxlen=size)
        self._retention = retention
        self._clock = clock
        self._lock = threading.Lock()
        self.added = 0

    def extend(self, events: Iterable[ErrorEvent]) -> None:
        """Keep events, the oldest given first."""
        with self._lock:
            for event in events:
                self._events.append(event)
                self.added += 1
            self._expire()

    def newest_first(self) -> list[ErrorEvent]:
        """Return what is kept and not expired."""
        with self._lock:
            self._expire()
            events = list(reversed(self._events))
        limit = self._limit()
        return [event for event in events if event.time >= limit]  # a clock that jumped leaves them out of order

    def after(self, number: int, most: int) -> list[tuple[int, ErrorEvent]]:
        """Return the events with higher numbers that are still kept, `most` of them, the oldest first."""
        with self._lock:
            gone = self.added - len(self._events)
            first = max(number - gone, 0)
            found = list(islice(self._events, first, first + most))
        return [(gone + first + place, event) for place, event in enumerate(found, 1)]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._events.clear()

    def start_over(self) -> None:
        """Forget everything, in a forked child, where a lock may be held by a thread that is not there."""
        self._lock = threading.Lock()
        self.clear()

    def _expire(self) -> None:
        limit = self._limit()
        while self._events and self._events[0].time < limit:
            self._events.popleft()

    def _limit(self) -> float:
        return self._clock() - self._retention
