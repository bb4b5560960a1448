"""How many retries a peer is spared: a tenth of its calls, so that retries never make an overload worse."""

from __future__ import annotations


class RetryBudget:
    """Each call earns a part of a retry; a retry is allowed when a whole one has been earned.

    Args:
        share: retries for each call.
        most: retries that can be saved up; as many there are at the start.
    """

    def __init__(self, share: float = 0.1, most: float = 10.0) -> None:
        self._share = share
        self._most = most
        self._saved = most

    def earn(self) -> None:
        """Count a call."""
        self._saved = min(self._most, self._saved + self._share)

    def spend(self) -> bool:
        """Tell whether a retry is allowed, and count it."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
