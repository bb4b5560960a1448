"""One picture of the processes on one host, and of those before them, in a folder.

Each process has one file, `<owner>.state`, which it holds a lock on; the others read it. A process that starts adopts
the files that nobody holds: it adds their states to its own, writes its file, and removes them. Killed in between, it
leaves both, but its file names the owners that it contains, and those don't count any more.
"""

from __future__ import annotations

import os
import time
import weakref
from collections import deque
from pathlib import Path
from typing import ClassVar

from ..polite import politely
from ..states import Key, SeriesState, add_up
from .codec import (
    MAX_BYTES,
    MAX_CONTAINED,
    Head,
    OwnedEvent,
    Unreadable,
    decode_reset,
    encode_event,
    encode_reset,
    encode_series,
)
from .files import is_at, lock_left, pack, put, remove_leftovers, sync_folder
from .own import Own
from .picture import EventBook, Picture
from .readings import SUFFIX, Known, Readings, read_bounded
from .shared import SharedStore

BETWEEN_WRITES = 2.0  # seconds; longer where writing takes long
SHARE_OF_WRITING = 0.05
ADOPTED_AT_ONCE = 200
RESET = "reset"


class DiskStore(SharedStore):
    """Writes a file every few seconds when something has changed, and reads those of the other processes.

    Args:
        folder: where the files are; it belongs to one service only.
        own: what this process publishes.
        size: events to keep.
        retention: seconds after which an event is no longer shown.
    """

    setting: ClassVar[str] = "storage_path"
    without: ClassVar[str] = "what is counted now is lost with the process"
    shows_while_away: ClassVar[bool] = True

    def __init__(self, folder: Path, own: Own, size: int, retention: float) -> None:
        self._folder = folder
        self._held: list[int] = []  # the descriptor whose lock says that the file has an owner
        weakref.finalize(self, _close_all, self._held).atexit = False  # until then the file is in use
        super().__init__(own, size, retention)

    def _start_over(self) -> None:
        super()._start_over()
        _close_all(self._held)  # of a parent, whose lock stays
        self._path = self._folder / f"{self._own.owner}{SUFFIX}"
        self._readings = Readings(self._folder, self._path.name, self._size, self._warn_once)
        self._has_adopted = False
        self._taken = 0  # number of the newest event that is among the lines
        self._forget_adopted()
        self._written = Head("")
        self._dirty = False
        self._last_write, self._pause = float("-inf"), BETWEEN_WRITES

    def _forget_adopted(self, contains: tuple[str, ...] = ()) -> None:
        """Begin again with nothing but what this process counts and keeps."""
        self._adopted: dict[Key, SeriesState] = {}
        self._contained = Head(self._own.owner, contains=contains)  # what was adopted, but for the series
        self._events = EventBook(self._size)
        self._published: dict[Key, int] = {}
        self._series: dict[Key, bytes] = {}
        self._lines: deque[tuple[float, bytes]] = deque(maxlen=self._size)
        self._taken = 0

    def _turn(self) -> None:
        urgent, self._urgent = self._urgent, False
        self._agree_on_reset()
        self._readings.refresh()
        self._show_news()
        if not self._has_adopted:  # may fail where there is no place to write
            self._adopt()
            self._readings.news = True
            self._show_news()
        due = urgent or time.monotonic() - self._last_write >= self._pause
        if due and self._gather():
            self._write()

    def _show_news(self) -> None:
        if self._readings.news:
            self._show(self._made())
            self._readings.news = False

    def _agree_on_reset(self) -> None:
        there = self._reset_there()
        if self._reset_wanted:
            self._reset_wanted = False
            try:
                self._perform_reset(max(self._next_reset(), there + 1))
            except BaseException:
                self._reset_wanted = True
                raise
        elif not self._follow(there):
            return
        self._forget_adopted(self._contained.contains)
        self._readings.news = True

    def _reset_there(self) -> int:
        try:
            return decode_reset(read_bounded(self._folder / RESET, MAX_BYTES))
        except FileNotFoundError:
            return 0
        except Unreadable as problem:
            self._warn_once("reset", f"the file {RESET} can't be read ({problem}), and no reset is known")
            return 0

    def _perform_reset(self, number: int) -> None:
        path = self._folder / RESET
        os.close(put(path, encode_reset(number), path.with_suffix(f".{self._own.owner}.tmp")))
        sync_folder(self._folder)
        self._reset = number

    def _made(self) -> Picture:
        counting = list(self._readings.counting(self._contained.contains, self._reset))
        events = EventBook(self._size)
        for known in sorted(self._readings.known.values(), key=_newest):
            events.add(known.events)
        events.add(self._events.all())
        states = [(known.head, list(known.series.values())) for known in counting if known.head is not None]
        return Picture([*states, (self._contained, list(self._adopted.values()))], events.since(self._reset))

    def _adopt(self) -> None:
        """Add what nobody holds to what is here, write it, and only then remove it."""
        remove_leftovers(self._folder.glob("*.tmp"))
        held: dict[Path, int] = {}
        try:
            for path in list(self._readings.known)[:ADOPTED_AT_ONCE]:
                file = lock_left(path)
                if file is not None:
                    held[path] = file
                    self._readings.refresh_one(path)  # its owner may have written until the lock
            left = {path: self._readings.known[path] for path in held if self._readings.known[path].head is not None}
            if left:
                self._write_with(list(left.values()))
            self._has_adopted = True
            self._remove(left)
        finally:
            _close_all(list(held.values()))

    def _write_with(self, left: list[Known]) -> None:
        try:
            self._take_in(left)
            self._gather()
            self._write()
        except BaseException:
            self._forget_adopted()
            raise

    def _take_in(self, left: list[Known]) -> None:
        counting = [known for known in self._readings.counting((), self._reset) if any(known is one for one in left)]
        self._adopted = {state.key: state for state in add_up(s for known in counting for s in known.series.values())}
        for known in sorted(counting, key=_newest):
            self._events.add(owned._replace(reset=self._reset) for owned in known.events)
        self._lines.extend((owned.event.time, encode_event(owned)) for owned in politely(self._events.all()))
        names = [owner for known in left if known.head for owner in (known.head.owner, *known.head.contains)]
        names.sort(key=lambda owner: not (self._folder / f"{owner}{SUFFIX}").exists())  # those must not be forgotten
        self._contained = Head(
            self._own.owner,
            lost=sum(known.head.lost for known in counting if known.head),
            overflow=sum(known.head.overflow for known in counting if known.head),
            contains=tuple(dict.fromkeys(names))[:MAX_CONTAINED],
        )

    def _remove(self, left: dict[Path, Known]) -> None:
        for path in left:
            path.unlink(missing_ok=True)
            del self._readings.known[path]
        if left:
            sync_folder(self._folder)

    def _gather(self) -> bool:
        """Bring what is to be written up to date; True if it is other than what is there."""
        series = self._own.changed(self._published)
        for state in politely(series):
            adopted = self._adopted.get(state.key)
            self._series[state.key] = encode_series(state if adopted is None else add_up([state, adopted])[0])
        self._published.update((state.key, state.errors) for state in series)
        for key in self._adopted.keys() - self._series.keys():
            self._series[key] = encode_series(self._adopted[key])
        self._gather_events()
        intact = bool(self._held) and is_at(self._held[0], self._path)
        self._dirty = self._dirty or bool(series) or not intact or self._head() != self._written
        return self._dirty and bool(self._held or self._series or self._lines or self._contained.contains)

    def _gather_events(self) -> None:
        oldest = time.time() - self._retention
        while self._lines and self._lines[0][0] < oldest:
            self._lines.popleft()
        for number, event in politely(self._own.events_after(self._taken, self._size)):
            line = encode_event(OwnedEvent(self._own.owner, number, self._reset, event))
            self._lines.append((event.time, line))
            self._taken = number

    def _head(self) -> Head:
        known = self._contained
        lost, overflow = known.lost + self._own.lost(), known.overflow + self._own.overflow()
        return Head(self._own.owner, self._reset, lost, overflow, self._taken, known.contains)

    def _write(self) -> None:
        began, head = time.monotonic(), self._head()
        data = pack(head, list(self._series.values()), [line for _, line in self._lines])
        file = put(self._path, data, self._path.with_suffix(".tmp"))
        _close_all(self._held)
        self._held.append(file)
        sync_folder(self._folder)
        self._written, self._dirty = head, False
        self._last_write = time.monotonic()
        self._pause = max(BETWEEN_WRITES, (self._last_write - began) / SHARE_OF_WRITING)


def _close_all(files: list[int]) -> None:
    while files:
        os.close(files.pop())


def _newest(known: Known) -> float:
    return known.newest
