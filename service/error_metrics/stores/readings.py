"""What the other processes' files hold, read again only where a file has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..polite import politely
from ..states import SeriesState
from .codec import Head, OtherVersion, OwnedEvent, Unreadable, decode_event, decode_series
from .files import Contents, set_aside, unpack

SUFFIX = ".state"
EVENT_BYTES = 4096  # what one may take at most; names and texts are cut
OTHER_BYTES = 16 * 1024 * 1024
Looks = tuple[int, int, int]
Warn = Callable[[str, str], None]


class Known(NamedTuple):
    """What was read from a file, and how the file looked then; no head if it can't be used."""

    looks: Looks
    head: Head | None
    series: dict[bytes, SeriesState]
    events: list[OwnedEvent]
    last: bytes  # line of the newest event

    @property
    def newest(self) -> float:
        """Time of the newest event."""
        return self.events[-1].event.time if self.events else 0.0


class Readings:
    """The files of one folder but for one's own.

    Args:
        folder: where they are.
        own: the name to leave out.
        size: events that a file may have.
        warn: says, once for each kind, what is wrong.

    Attributes:
        known: what was read, by file.
        news: whether something is other than when somebody set this to False.
    """

    def __init__(self, folder: Path, own: str, size: int, warn: Warn) -> None:
        self._folder, self._own, self._warn = folder, own, warn
        self._most = OTHER_BYTES + size * EVENT_BYTES
        self.known: dict[Path, Known] = {}
        self.news = False

    def refresh(self) -> None:
        """Read the files that look other than last time.

        Raises:
            OSError: the folder or a file can't be read.
        """
        names = os.listdir(self._folder)  # noqa: PTH208  # which, unlike a glob, says when there is no folder
        there = sorted(self._folder / name for name in names if name.endswith(SUFFIX) and name != self._own)
        for path in self.known.keys() - set(there):
            del self.known[path]
            self.news = True
        for path in there:
            self.refresh_one(path)

    def refresh_one(self, path: Path) -> None:
        """Read a file if it looks other than last time."""
        try:
            found = path.stat()
        except FileNotFoundError:
            return
        looks = found.st_ino, found.st_size, found.st_mtime_ns
        before = self.known.get(path)
        if before is None or before.looks != looks:
            self.known[path] = self._read(path, looks, before)
            self.news = True

    def counting(self, besides: Iterable[str], reset: int) -> Iterator[Known]:
        """Yield what counts: no state that is part of another one or named `besides`, and none from before a reset."""
        part = set(besides)
        for known in self.known.values():
            part.update(known.head.contains if known.head is not None else ())
        for known in self.known.values():
            if known.head is not None and known.head.owner not in part and known.head.reset >= reset:
                yield known

    def _read(self, path: Path, looks: Looks, before: Known | None) -> Known:
        contents = self._contents(path)
        if contents is None:
            return Known(looks, None, {}, [], b"")
        series: dict[bytes, SeriesState] = {}
        for line in politely(contents.series):
            state = before.series.get(line) if before is not None else None
            state = state or self._understood(path, decode_series, line)
            if state is not None:
                series[line] = state
        return Known(looks, contents.head, series, *self._events(path, contents.events, before))

    def _events(self, path: Path, lines: list[bytes], before: Known | None) -> tuple[list[OwnedEvent], bytes]:
        """Return the events of a file and its last line. New ones are at the end, the others were read before."""
        if not lines:
            return [], b""
        known, new = before.events if before is not None else [], len(lines)
        while new and (before is None or lines[new - 1] != before.last):
            new -= 1
        found = [self._understood(path, decode_event, line) for line in politely(lines[new:])]
        events = [*(known if new else []), *(owned for owned in found if owned is not None)]
        return events[-len(lines) :], lines[-1]

    def _contents(self, path: Path) -> Contents | None:
        """Return what is in a file; a damaged one that nobody holds is set aside."""
        try:
            return unpack(read_bounded(path, self._most))
        except FileNotFoundError:  # adopted this moment
            return None
        except OtherVersion as problem:
            self._warn("version", f"{path.name} is left alone, another version has written it ({problem})")
        except Unreadable as problem:
            aside = set_aside(path)
            if aside is not None:
                self._warn(path.name, f"{path.name} can't be read ({problem}) and is now {aside.name}")
        return None

    def _understood(self, path: Path, decode: Callable[[bytes], Any], line: bytes) -> Any:
        try:
            return decode(line)
        except Unreadable as problem:
            self._warn("damage", f"what can't be read is not shown ({path.name}: {problem})")
            return None


def read_bounded(path: Path, most: int) -> bytes:
    """Return what is in a file.

    Raises:
        Unreadable: it has more than `most` bytes.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise Unreadable("too large")
    return raw
