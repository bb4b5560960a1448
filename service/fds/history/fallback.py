"""A history that goes on without Redis: what this process saw itself is better than nothing."""

from __future__ import annotations

import asyncio

from service.fds.transaction import Transaction
from service.telemetry.circuit_breaker import CircuitBreaker

from .memory import MemoryHistory
from .past import History, Past

LIMIT = 0.015
"""Seconds that Redis gets: the rules have twice as long, and still have to think."""


class FallbackHistory:
    """Asks a shared history for a short time, else its own.

    Args:
        shared: of all replicas.
        breaker: keeps from asking a shared one that does not answer.
        limit: seconds that it gets.
    """

    def __init__(self, shared: History, breaker: CircuitBreaker, limit: float = LIMIT) -> None:
        self._shared = shared
        self._breaker = breaker
        self._limit = limit
        self._own = MemoryHistory()

    async def look(self, transaction: Transaction) -> Past:
        """Return what happened before this attempt, and remember the attempt."""
        own = self._own.look_now(transaction)
        try:
            with self._breaker.guarding():
                async with asyncio.timeout(self._limit):
                    return await self._shared.look(transaction)
        except Exception:  # noqa: BLE001  # whatever is wrong with it, the payment must be judged
            return own

    async def approve(self, transaction: Transaction) -> None:
        """Make a payment part of the user's habits."""
        self._own.approve_now(transaction)
        try:
            with self._breaker.guarding():
                async with asyncio.timeout(self._limit):
                    await self._shared.approve(transaction)
        except Exception:  # noqa: BLE001
            return
