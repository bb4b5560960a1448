"""A history that goes on without Redis."""

from __future__ import annotations

import asyncio

import pytest

from service.fds.history import FallbackHistory, MemoryHistory, Past
from service.fds.transaction import Transaction
from service.telemetry.circuit_breaker import CircuitBreaker
from tests.fds.payments import payment


class Shared(MemoryHistory):
    """A history that can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.trouble: Exception | None = None
        self.seconds = 0.0

    async def look(self, transaction: Transaction) -> Past:
        """Fail or wait as told."""
        self.asked += 1
        await asyncio.sleep(self.seconds)
        if self.trouble:
            raise self.trouble
        return Past(payments=77)

    async def approve(self, transaction: Transaction) -> None:
        """Likewise."""
        await self.look(transaction)


@pytest.fixture
def shared() -> Shared:
    """The history of all replicas."""
    return Shared()


@pytest.fixture
def history(shared: Shared) -> FallbackHistory:
    """What is asked."""
    return FallbackHistory(shared, CircuitBreaker("redis"), limit=0.05)


async def test_the_shared_history_is_believed_as_long_as_it_answers(history: FallbackHistory) -> None:
    """It knows what other replicas saw."""
    assert (await history.look(payment())).payments == 77


async def test_its_own_is_used_when_the_shared_one_fails(history: FallbackHistory, shared: Shared) -> None:
    """With all that this process has seen, also before."""
    await history.look(payment(transaction_id="t0"))
    await history.approve(payment(transaction_id="t0"))
    shared.trouble = ConnectionError("gone")
    past = await history.look(payment())
    assert (past.payments, past.attempts_hour) == (1, 1)
    await history.approve(payment())
    assert (await history.look(payment(transaction_id="t2"))).payments == 2


async def test_its_own_is_used_when_the_shared_one_is_late(history: FallbackHistory, shared: Shared) -> None:
    """The payment does not wait for it."""
    shared.seconds = 30
    async with asyncio.timeout(5):
        assert (await history.look(payment())).payments == 0


async def test_a_shared_history_that_is_away_is_not_asked_each_time(history: FallbackHistory, shared: Shared) -> None:
    """After five failures it is left alone."""
    shared.trouble = ConnectionError("gone")
    for _ in range(20):
        await history.look(payment())
    assert shared.asked == 5
