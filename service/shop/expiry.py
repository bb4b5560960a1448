"""Cleaning up: orders that nobody pays go back to stock, logins that have expired are forgotten."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from service.database_access import DatabaseUnavailable
from service.shop.accounts import Sessions
from service.shop.checkout import Orders
from service.shop.errors import WrongState
from service.shop.record import record_order
from service.telemetry.background import going_on

PAY_WITHIN, PAY_RELEASED_WITHIN = timedelta(minutes=30), timedelta(days=7)
"""From when an order was placed; one that a person has released has longer, because the review took its time."""
INTERVAL, BATCH = 60.0, 100


class Expiry:
    """Cleans up once a minute; several replicas don't get into each other's way.

    Args:
        orders: the orders.
        sessions: the logins.
    """

    def __init__(self, orders: Orders, sessions: Sessions) -> None:
        self._orders = orders
        self._sessions = sessions

    def watching(self) -> AbstractAsyncContextManager[None]:
        """Clean up inside the block."""
        return going_on(self._go_on())

    async def clean_up(self, now: datetime) -> int:
        """Cancel what was opened too long before `now` and not paid; return how many orders."""
        cancelled = 0
        for order_id in await self._orders.abandoned(now - PAY_WITHIN, now - PAY_RELEASED_WITHIN, BATCH):
            with suppress(WrongState):  # paid in the meantime, or another replica was quicker
                await self._orders.cancel(order_id, "expired")
                record_order("cancelled")
                cancelled += 1
        await self._sessions.forget_expired()
        return cancelled

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            with suppress(DatabaseUnavailable, SQLAlchemyError, OSError):  # it is away: the next minute will do
                await self.clean_up(datetime.now(UTC))
