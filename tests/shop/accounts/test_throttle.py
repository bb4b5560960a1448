"""Counting guesses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from service.redis_pool import make_redis
from service.shop.accounts import Throttle
from service.shop.errors import TooManyAttempts
from service.telemetry.circuit_breaker import CircuitBreaker
from tests.redis_server import redis_server

EMAIL, ADDRESS = "kim@example.com", "198.18.0.1"


class Clock:
    """Seconds that pass when told."""

    now = 900_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Redis server."""
    with redis_server() as server:
        yield server.url


async def fail(throttle: Throttle, times: int, email: str = EMAIL, address: str = ADDRESS) -> None:
    """Fail to log in."""
    for _ in range(times):
        await throttle.check(email, address)
        await throttle.failed(email, address)


async def test_an_account_has_five_tries_in_fifteen_minutes() -> None:
    """Then it is told when to come back, and may."""
    clock = Clock()
    throttle = Throttle(None, CircuitBreaker("redis"), clock)
    await fail(throttle, 5)
    clock.now += 100
    with pytest.raises(TooManyAttempts) as refused:
        await throttle.check(EMAIL, "198.18.0.9")
    assert refused.value.headers == {"Retry-After": "800"}
    clock.now += 800
    await throttle.check(EMAIL, ADDRESS)


async def test_of_one_address_fifty_are_tried_at_once() -> None:
    """Whatever the accounts."""
    throttle = Throttle(None, CircuitBreaker("redis"))

    async def guess(number: int) -> None:
        async with throttle.trying(f"user{number}@example.com", ADDRESS):
            await asyncio.sleep(0.01)
            await throttle.failed(f"user{number}@example.com", ADDRESS)

    done = await asyncio.gather(*map(guess, range(80)), return_exceptions=True)
    assert (done.count(None), sum(isinstance(one, TooManyAttempts) for one in done)) == (50, 30)


async def test_others_are_not_kept_out() -> None:
    """Neither other accounts nor other addresses."""
    throttle = Throttle(None, CircuitBreaker("redis"))
    await fail(throttle, 5)
    await throttle.check("lee@example.com", ADDRESS)


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest counts go."""
    monkeypatch.setattr("service.shop.accounts.throttle.MAX_KEPT", 4)
    throttle = Throttle(None, CircuitBreaker("redis"))
    for number in range(10):
        await throttle.failed(f"n{number}@example.com", f"198.18.0.{number}")
    assert len(throttle._own) == 4


@pytest.mark.docker
async def test_replicas_count_together(address: str) -> None:
    """Three here and two there are five; nothing is kept for ever, and no address."""
    async with Redis.from_url(address) as redis:
        await redis.flushall()
        one, other = (Throttle(redis, CircuitBreaker("redis")) for _ in range(2))
        await fail(one, 3)
        await fail(other, 2)
        with pytest.raises(TooManyAttempts):
            await one.check(EMAIL, ADDRESS)
        keys = await redis.keys()
        assert len(keys) == 2
        assert not any(b"kim" in key for key in keys)
        assert all([0 < await redis.ttl(key) <= 900 for key in keys])


async def test_without_redis_each_counts_alone() -> None:
    """Guessing is throttled all the same."""
    async with make_redis("redis://127.0.0.1:9") as redis:
        throttle = Throttle(redis, CircuitBreaker("redis"))
        await fail(throttle, 5)
        with pytest.raises(TooManyAttempts):
            await throttle.check(EMAIL, ADDRESS)
