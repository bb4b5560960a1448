"""What an engine says."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from service.fds.history import Past
from service.fds.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Finding:
    """Points from 0 (nothing to see) to 100 (certainly fraud), and what they were given for."""

    score: float
    factors: tuple[str, ...] = ()


class Engine(Protocol):
    """Looks at a payment.

    Attributes:
        name: a label, and what answers call it.
        limit: seconds after which its finding is not waited for.
        weight: how far it is trusted, 0 to 1.
        factors: every factor that it may name.
    """

    name: str
    limit: float
    weight: float
    factors: tuple[str, ...]

    async def look(self, transaction: Transaction, past: Awaitable[Past]) -> Finding:
        """Return what it finds. `past` is shared by all engines and awaited by those that need it."""
        ...
