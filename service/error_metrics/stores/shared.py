"""What the stores have in common that make one picture of several processes.

A thread of its own takes turns: it publishes what this process has counted and reads what the others have. Readers get
what the last turn found, and never wait. While turns fail, the picture says that it is degraded.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from abc import ABC, abstractmethod
from random import SystemRandom
from typing import ClassVar

from ..events import ErrorEvent
from .own import Own
from .picture import Picture, View

TURN = 0.8  # seconds from one turn to the next
LONGEST_PAUSE = 3.0
PATIENCE = 5.0  # a turn that takes longer hangs
CLOSING_SECONDS = 2.0
BEFORE_FORK = 0.2
CHANCE = SystemRandom()  # forked processes do not pause alike, and the application's own seeded draws stay its own
logger = logging.getLogger(__name__)


class SharedStore(ABC):
    """Base of the stores. Only its own thread calls what begins with `_turn`.

    Args:
        own: what this process publishes.
        size: events to keep.
        retention: seconds after which an event is no longer shown.
    """

    setting: ClassVar[str]
    without: ClassVar[str]  # what is missing while the store is away
    shows_while_away: ClassVar[bool]  # whether what was read before is shown then

    def __init__(self, own: Own, size: int, retention: float) -> None:
        self._own, self._size, self._retention = own, size, retention
        self._warned: set[str] = set()
        self._start_over()
        _alive.add(self)

    @abstractmethod
    def _turn(self) -> None:
        """Publish and read; whatever goes wrong is raised, and the next turn begins anew."""

    def _turn_failed(self) -> None:  # noqa: B027  # not every store has something to do
        """Drop what can't be used again."""

    def _start_over(self) -> None:
        self._picture = Picture()
        self._reset = 0  # number of the newest reset known: milliseconds since the epoch
        self._reset_wanted = False
        self._born = int(time.time() * 1000)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._turned = threading.Condition()
        self._begun = self._done = self._failures = 0
        self._well: bool | None = None
        self._urgent = False
        self._last_good = 0.0

    def start(self) -> None:
        """Begin to take turns, if that has not begun."""
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is not None:
                return
            thread = threading.Thread(
                target=_run, args=(weakref.ref(self), self._wake), name=f"error-metrics-{self.setting}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # no thread to be had now: the next reader tries again
                return
            self._thread = thread

    @property
    def degraded(self) -> bool:
        """Whether the last turn failed, or the present one hangs."""
        return not self._well or time.monotonic() - self._last_good > PATIENCE

    def view(self, now: float) -> View:
        """Return what to add to this process's counts."""
        self.start()
        degraded = self.degraded
        picture = Picture() if degraded and not self.shows_while_away else self._picture
        return picture.at(now, degraded=degraded)

    def merge(self, own: list[ErrorEvent], now: float) -> list[ErrorEvent]:
        """Return this process's events with those of the others, newest first."""
        self.start()
        if self.degraded and not self.shows_while_away:
            return own
        oldest = now - self._retention
        events = [event for event in self._picture.events if event.time >= oldest]
        return sorted([*own, *events], key=_time, reverse=True)[: self._size]

    def reset(self) -> None:
        """Let all processes forget, this one's counts being cleared already: at once here, at their next turn there."""
        self._reset_wanted = True
        self._picture = Picture()
        self.start()
        self._wake.set()

    def sync(self, timeout: float = CLOSING_SECONDS) -> bool:
        """Publish and read now; False when that fails, or takes more than `timeout` seconds."""
        self.start()
        with self._turned:
            wanted = self._begun + 1
            self._urgent = True
            self._wake.set()
            return self._turned.wait_for(lambda: self._done >= wanted, timeout) and self._well is True

    def _take_turn(self) -> float:
        """Take one turn and return the seconds until the next."""
        began = time.monotonic()
        with self._turned:
            self._begun += 1
        try:
            self._turn()
        except Exception as problem:  # noqa: BLE001  # whatever it is, counting goes on
            self._away(problem)
            pause = min(LONGEST_PAUSE, 0.25 * 2.0 ** min(self._failures, 10)) * CHANCE.uniform(0.75, 1.0)
        else:
            self._back()
            pause = max(0.05, TURN - (time.monotonic() - began))
        with self._turned:
            self._done = self._begun
            self._turned.notify_all()
        return pause

    def _away(self, problem: Exception) -> None:
        self._failures += 1
        if self._well is not False:
            told = " ".join(f"{type(problem).__name__}: {problem}".split())[:300]
            logger.warning("%s: the store of error statistics is away, %s: %s", self.setting, self.without, told)
        self._well = False
        self._turn_failed()

    def _back(self) -> None:
        if self._well is False:
            logger.info("%s: the store of error statistics is back", self.setting)
        self._failures = 0
        self._last_good = time.monotonic()
        self._well = True
        self._picture.at(time.time(), degraded=False)  # ready for the first reader of a new minute

    def _show(self, picture: Picture) -> None:
        self._picture = picture
        if self._reset_wanted:  # came while this picture was made
            self._picture = Picture()

    def _follow(self, number: int) -> bool:
        """Follow a reset that another process has asked for; True if there was one."""
        if number <= self._reset:
            return False
        if number > self._born:  # else it was before there was anything to forget
            self._own.forget()
        self._reset = number
        return True

    def _next_reset(self) -> int:
        return max(int(time.time() * 1000), self._reset + 1)

    def _warn_once(self, what: str, text: str) -> None:
        if what not in self._warned and len(self._warned) < 100:
            self._warned.add(what)
            logger.warning("%s: %s", self.setting, text)

    def start_over(self) -> None:
        """Be another process, in a forked child, where neither threads nor their locks are."""
        self._own.start_over()
        self._start_over()


def _time(event: ErrorEvent) -> float:
    return event.time


def _run(owner: weakref.ref[SharedStore], wake: threading.Event) -> None:
    # Only a weak reference, as in `handover`: a collector that nobody holds any more must not live on in its thread.
    pause = 0.0
    while True:
        wake.wait(pause)
        wake.clear()
        store = owner()
        if store is None:
            return
        pause = store._take_turn()  # noqa: SLF001  # same class
        del store


_alive: weakref.WeakSet[SharedStore] = weakref.WeakSet()
_stopped: list[threading.Lock] = []


def _before_fork() -> None:
    for store in list(_alive):
        guard = store._own.guard  # noqa: SLF001
        if guard.acquire(timeout=BEFORE_FORK):
            _stopped.append(guard)


def _after_fork_in_parent() -> None:
    while _stopped:
        _stopped.pop().release()


def _after_fork() -> None:
    _stopped.clear()
    for store in list(_alive):
        store.start_over()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork)


def _publish_all() -> None:
    for store in list(_alive):
        if not store.degraded:  # else there is nowhere to publish to, and no time to wait for it
            store.sync()


atexit.register(_publish_all)
