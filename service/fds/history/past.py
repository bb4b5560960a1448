"""What is known of a user when a payment is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from service.fds.transaction import Transaction

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
MAX_ATTEMPTS, MAX_KNOWN, MAX_SHARERS = 100, 20, 20
"""What is kept of one user: attempts of an hour, devices and countries; and users of one device."""
SMALL = 5_000
"""KRW; whoever tries stolen cards begins with amounts that nobody misses."""


@dataclass(frozen=True, slots=True)
class Past:
    """What happened before a payment; attempts count however they ended, habits are those of approved payments.

    Attributes:
        attempts_minute: the user's other attempts of the last minute.
        attempts_hour: of the last hour.
        small_hour: of those, the ones of at most `SMALL`.
        cards_hour: different cards that the user tried in the last hour, this one included.
        users_of_device: different users who paid from this device in the last day, this one included.
        payments: approved payments.
        mean: of their amounts in KRW, 0 without any.
        deviation: standard deviation of their amounts.
        known_device: whether one of them came from this device.
        known_country: whether one of them came from this country.
        last_country: where the newest came from, empty without any.
        last_at: when, in seconds since the epoch.
    """

    attempts_minute: int = 0
    attempts_hour: int = 0
    small_hour: int = 0
    cards_hour: int = 1
    users_of_device: int = 1
    payments: int = 0
    mean: float = 0.0
    deviation: float = 0.0
    known_device: bool = False
    known_country: bool = False
    last_country: str = ""
    last_at: float = 0.0


class History(Protocol):
    """Remembers users. Both methods are bounded in time by whoever calls them."""

    async def look(self, transaction: Transaction) -> Past:
        """Return what happened before this attempt, and remember the attempt."""
        ...

    async def approve(self, transaction: Transaction) -> None:
        """Make a payment part of the user's habits; once, also when it was judged again because an answer was lost."""
        ...


def habits(payments: int, total: float, squares: float) -> tuple[float, float]:
    """Return mean and standard deviation of amounts from their number, sum and sum of squares."""
    if not payments:
        return 0.0, 0.0
    mean = total / payments
    return mean, math.sqrt(max(0.0, squares / payments - mean * mean))
