"""The newest events in memory, limited by number and age."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

from ..events import ErrorEvent


class MemoryStore:
    """Keeps the newest `size` events of the last `retention` seconds. Thread-safe.

    Args:
        size: number of events; the oldest go first.
        retention: seconds after which an event is no longer shown.
        clock: seconds since the epoch.
    """

    def __init__(self, size: int, retention: float, clock: Callable[[], float]) -> None:
        self._events: deque[ErrorEvent] = deque(maxlen=size)
        self._retention = retention
        self._clock = clock
        self._lock = threading.Lock()

    def extend(self, events: Iterable[ErrorEvent]) -> None:
        """Keep events, the oldest given first."""
        with self._lock:
            self._events.extend(events)
            self._expire()

    def newest_first(self) -> list[ErrorEvent]:
        """Return what is kept and not expired."""
        with self._lock:
            self._expire()
            events = list(reversed(self._events))
        limit = self._limit()
        return [event for event in events if event.time >= limit]  # a clock that jumped leaves them out of order

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._events.clear()

    def _expire(self) -> None:
        limit = self._limit()
        while self._events and self._events[0].time < limit:
            self._events.popleft()

    def _limit(self) -> float:
        return self._clock() - self._retention
