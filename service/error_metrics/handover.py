"""The bounded queue between a request and the slow work that an error causes."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
LINGER = 0.05
TURN = 0.0005
BEFORE_FORK = 0.2


class Handover(Generic[T]):
    """Hands items to `work` in batches on a daemon thread of its own; what doesn't fit is reported as lost.

    A thread, not a task, because errors also come from jobs that have no event loop. It starts with the first item,
    sleeps while there is nothing to do, and is made anew in a forked child.

    Args:
        work: gets a list of items; it must not raise.
        limit: items that may wait.
        batch: items handed over at once.
        lose: called with each item that found the queue full.
        name: of the thread.
    """

    def __init__(
        self,
        work: Callable[[list[T]], None],
        limit: int,
        batch: int,
        lose: Callable[[T], None],
        name: str = "error-metrics",
    ) -> None:
        self._work = work
        self._limit = limit
        self._batch = batch
        self._lose = lose
        self._name = name
        self._waiting: deque[T]
        self._idle: bool
        self._thread: threading.Thread | None
        self._start_over()
        _alive.add(self)

    def put(self, item: T) -> None:
        """Queue an item and return at once."""
        if len(self._waiting) >= self._limit:
            self._lose(item)
            return
        self._waiting.append(item)
        if self._idle:
            self._idle = False  # the others of a burst need not wake it again
            self._wake_up()

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    def flush(self, timeout: float = 5.0) -> bool:
        """Do what was waiting when called, in the caller's thread; False when `timeout` seconds were too short."""
        deadline = time.monotonic() + timeout
        remaining = len(self._waiting)
        while remaining > 0 and time.monotonic() < deadline:
            done = self._step(timeout)
            if not done:
                break
            remaining -= done
        # A batch may be in the other thread's hands: its lock tells when it is through.
        if self._working.acquire(timeout=max(0.0, deadline - time.monotonic())):
            self._working.release()
            return remaining <= 0 or not self._waiting
        return False

    def wait(self, timeout: float) -> bool:
        """Wait until the thread has nothing more to do; False when `timeout` seconds were too short.

        For work that may hang: unlike `flush` it leaves that to the thread.
        """
        deadline = time.monotonic() + timeout
        while self._waiting or self._working.locked():
            if time.monotonic() >= deadline:
                return False
            self._wake_up()
            time.sleep(0.005)
        return True

    def _step(self, timeout: float = -1) -> int:
        if not self._working.acquire(timeout=timeout):
            return 0
        try:
            items = self._take()
            if items:
                self._work(items)
            return len(items)
        finally:
            self._working.release()

    def _take(self) -> list[T]:
        items: list[T] = []
        while self._waiting and len(items) < self._batch:
            items.append(self._waiting.popleft())
        return items

    def _wake_up(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(
                    target=_run, args=(weakref.ref(self), self._wake), name=self._name, daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:  # no thread to be had now: the next item tries again, and readers do the work
                    self._idle = True
                    return
                self._thread = thread
        self._wake.set()

    def _start_over(self) -> None:
        self._waiting = deque()
        self._working = threading.Lock()
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._idle = True
        self._thread = None

    def _drain(self) -> None:
        self._wake.clear()
        turn = time.monotonic()
        while self._step():
            if time.monotonic() - turn > TURN:
                time.sleep(0)  # lets a waiting event loop have the interpreter
                turn = time.monotonic()
        self._idle = True
        if self._waiting:  # came in between the last look and `_idle`
            self._idle = False
            self._wake.set()


def _run(owner: weakref.ref[Handover[T]], wake: threading.Event) -> None:
    # Only a weak reference: a collector that nobody holds any more must not live on in its thread.
    while True:
        if wake.wait(timeout=60):
            time.sleep(LINGER)  # errors come in bursts: one wake-up serves many
        handover = owner()
        if handover is None:
            return
        handover._drain()  # noqa: SLF001  # same class, split so that the thread holds no reference while it waits
        del handover


_alive: weakref.WeakSet[Handover[Any]] = weakref.WeakSet()
_stopped: list[threading.Lock] = []


def _before_fork() -> None:
    # The thread may hold locks of counters and stores, which the child would find held for ever: so fork between two
    # batches. Work that hangs in a system call holds none, and is not waited for.
    for handover in list(_alive):
        lock = handover._working  # noqa: SLF001
        if lock.acquire(timeout=BEFORE_FORK):
            _stopped.append(lock)


def _after_fork_in_parent() -> None:
    while _stopped:
        _stopped.pop().release()


def _after_fork() -> None:
    _stopped.clear()
    for handover in list(_alive):
        handover._start_over()  # noqa: SLF001  # threads and held locks don't survive a fork


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork)
