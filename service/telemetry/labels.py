"""Label values that clients can't multiply."""

from __future__ import annotations

from collections.abc import Callable


class CardinalityLimiter:
    """Lets the first `limit` distinct values through and turns every further one into `other`.

    Args:
        limit: distinct values that keep their name.
        other: what stands for the rest.
        overflow: called each time that a value is turned away.
    """

    def __init__(self, limit: int, other: str = "other", overflow: Callable[[], None] | None = None) -> None:
        if limit < 1:
            raise ValueError(f"limit: must be 1 or more, got {limit}")
        self._limit = limit
        self._other = other
        self._overflow = overflow
        self._values: set[str] = set()

    def __call__(self, value: str) -> str:
        """Return `value` while there is room for it, else `other`."""
        if value in self._values:
            return value
        if len(self._values) < self._limit:
            self._values.add(value)
            return value
        if self._overflow is not None:
            self._overflow()
        return self._other

    def knows(self, value: str) -> bool:
        """Tell whether a value has kept its name."""
        return value in self._values
