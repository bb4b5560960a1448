"""Fault switches for drills: real bugs that are off until somebody turns them on. Production refuses them."""

from __future__ import annotations

KNOWN = {"instalment-bug": "the check of instalments is left out, so paying in 0 instalments divides by zero"}


class Faults:
    """The switches of one process.

    Args:
        enabled: whether they can be turned on at all.
    """

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self._active: set[str] = set()

    def active(self, name: str) -> bool:
        """Tell whether a fault is on."""
        return name in self._active

    def switch(self, name: str, on: bool) -> None:
        """Turn a fault on or off."""
        if on:
            self._active.add(name)
        else:
            self._active.discard(name)

    def states(self) -> dict[str, bool]:
        """Return every known fault and whether it is on."""
        return {name: name in self._active for name in KNOWN}
