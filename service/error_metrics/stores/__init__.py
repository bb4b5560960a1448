"""Where events are kept. Memory is the default; further stores follow the same protocol."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ..events import ErrorEvent
from .memory import MemoryStore

__all__ = ["EventStore", "MemoryStore"]


class EventStore(Protocol):
    """A bounded history of masked events."""

    def extend(self, events: Iterable[ErrorEvent]) -> None:
        """Keep events, the oldest given first."""
        ...

    def newest_first(self) -> list[ErrorEvent]:
        """Return what is kept and not expired."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...
