"""The lines of one request that were left out, until it is known how the request ends."""

from __future__ import annotations

from collections import deque

from .lines import Line

MAX_OF_REQUEST = 100
MAX_IN_ALL = 10_000


class Room:
    """How many lines all requests together may still hold. Off by a few under threads, which harms nobody."""

    def __init__(self, size: int = MAX_IN_ALL) -> None:
        self.left = size


class HeldLines:
    """What one request holds: at most its newest 100 lines, with the reason why each was left out.

    Attributes:
        identifier: of trace or request, by which is decided what is left out.
        share: its `fraction`.
        admitted: whether its INFO lines are within the limit per second; None, before the first one.
        verdict: whether what is left out is written all the same; None, before the request is over.
    """

    __slots__ = ("_lines", "_room", "admitted", "identifier", "share", "verdict")

    def __init__(self, identifier: str, share: float, room: Room) -> None:
        self.identifier = identifier
        self.share = share
        self.admitted: bool | None = None
        self.verdict: bool | None = None
        self._room = room
        self._lines: deque[tuple[Line, str]] = deque()

    def hold(self, line: Line, reason: str) -> tuple[Line, str] | None:
        """Keep a line; return the one that there was no room for, if any."""
        if self._room.left <= 0 and not self._lines:
            return line, reason
        self._lines.append((line, reason))
        self._room.left -= 1
        if len(self._lines) > MAX_OF_REQUEST or self._room.left < 0:
            self._room.left += 1
            return self._lines.popleft()
        return None

    def release(self) -> list[tuple[Line, str]]:
        """Return what was held, oldest first, and hold nothing any more."""
        lines, self._lines = list(self._lines), deque()
        self._room.left += len(lines)
        return lines
