"""A list in memory, for a service without Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .threat import Threat


class MemoryThreats:
    """Knows what it is given.

    Args:
        entries: by `kind:value`.
    """

    def __init__(self, entries: Mapping[str, Threat]) -> None:
        self._entries = dict(entries)

    async def find(self, keys: Sequence[str]) -> list[Threat | None]:
        """Return the entry of each key."""
        return [self._entries.get(key) for key in keys]
