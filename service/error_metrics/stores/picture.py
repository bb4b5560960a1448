"""What the other processes have counted, added up once for all who ask."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from ..events import ErrorEvent
from ..polite import politely
from ..states import SeriesCopy, SeriesState, add_up
from ..windows import MINUTE
from .codec import Head, OwnedEvent


class View(NamedTuple):
    """What is to be added to the counts of this process."""

    rows: list[SeriesCopy]
    lost: int
    overflow: int
    degraded: bool


class Picture:
    """The sum of some states. Windows move on with the minutes, so they are made anew only then.

    Args:
        states: heads and series.
        events: of the same processes.
    """

    def __init__(
        self, states: Iterable[tuple[Head, Iterable[SeriesState]]] = (), events: Iterable[ErrorEvent] = ()
    ) -> None:
        self.lost = self.overflow = 0
        series: list[SeriesState] = []
        for head, own in states:
            self.lost += head.lost
            self.overflow += head.overflow
            series += own
        self._series = add_up(series)
        self._rows: tuple[int, list[SeriesCopy]] = (-1, [])
        self.events = list(events)

    def at(self, now: float, *, degraded: bool) -> View:
        """Return what is shown at `now`."""
        minute = int(now) // MINUTE
        made, rows = self._rows
        if made != minute:
            rows = [state.at(now) for state in self._series]
            self._rows = minute, rows
        return View(rows, self.lost, self.overflow, degraded)


class EventBook:
    """The newest events of others, each once.

    Args:
        size: how many.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: dict[tuple[str, int], OwnedEvent] = {}

    def add(self, events: Iterable[OwnedEvent]) -> None:
        """Take events in; the oldest taken go first. Of one that is told twice, the newer reset counts."""
        for owned in politely(events, at_once=1000):  # a look-up each
            key = owned.owner, owned.number
            known = self._known.setdefault(key, owned)
            if owned.reset > known.reset:
                self._known[key] = owned
        surplus = len(self._known) - self._size
        for key in list(islice(self._known, max(0, surplus))):
            del self._known[key]

    def all(self) -> list[OwnedEvent]:
        """Return them in the order in which they were taken."""
        return list(self._known.values())

    def since(self, reset: int) -> list[ErrorEvent]:
        """Return those that came after a reset."""
        return [owned.event for owned in self._known.values() if owned.reset >= reset]

    def clear(self) -> None:
        """Forget them."""
        self._known.clear()
