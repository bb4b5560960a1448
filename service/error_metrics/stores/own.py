"""What this process has counted and kept itself, for a store to publish."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..events import ErrorEvent
from ..series import SeriesTable
from ..states import Key, SeriesState
from .memory import MemoryStore


class Own:
    """The live state of a collector, copied in moments: requests that are counting hardly wait.

    Args:
        table: the counted series.
        lock: guards the table.
        history: the masked events; None where somebody else's store keeps them.
        lost: returns how many events were not kept.
        forget: clears all of it, when another process has asked for a reset.
        settle: keeps the events that wait to be kept.

    Attributes:
        owner: id of the process; a forked child has another one.
        guard: held while one of the others' locks is: who forks takes it first, so that the child finds none held.
    """

    def __init__(
        self,
        table: SeriesTable,
        lock: Any,
        history: MemoryStore | None,
        lost: Callable[[], int],
        forget: Callable[[], None],
        settle: Callable[[], object] = lambda: None,
    ) -> None:
        self._table, self._lock, self._history = table, lock, history
        self._lost, self._forget, self._settle = lost, forget, settle
        self.owner = os.urandom(16).hex()
        self.guard = threading.Lock()

    def changed(self, published: Mapping[Key, int]) -> list[SeriesState]:
        """Return the series whose counts are not the published ones."""
        with self.guard, self._lock:
            found = [series.state() for series in self._table if series.count != published.get(series.key, 0)]
        self._settle()  # so that what is counted and what is kept leave together
        return found

    def events_after(self, number: int, most: int) -> list[tuple[int, ErrorEvent]]:
        """Return the kept events with higher numbers, `most` of them, the oldest first."""
        with self.guard:
            return [] if self._history is None else self._history.after(number, most)

    def newest(self) -> int:
        """Return the number of the newest event that was kept."""
        return 0 if self._history is None else self._history.added

    def lost(self) -> int:
        """Return how many events were counted but not kept."""
        return self._lost()

    def overflow(self) -> int:
        """Return how many errors were counted as `other`."""
        return self._table.overflow

    def forget(self) -> None:
        """Forget counts and events."""
        with self.guard:
            self._forget()

    def start_over(self) -> None:
        """Be another process, in a forked child: what was counted so far is the parent's, which publishes it."""
        self.guard = threading.Lock()
        self.owner = os.urandom(16).hex()
        self._table.clear()
        if self._history is not None:
            self._history.start_over()
