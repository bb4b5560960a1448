"""How many users there are."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from service.redis_pool import make_redis
from service.shop.active_users import ActiveUsers
from service.telemetry.circuit_breaker import CircuitBreaker

NOON = 1_700_000_000 // 86_400 * 86_400 + 43_200


class Clock:
    """Seconds that pass when told."""

    now = float(NOON)

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def shown(registry: CollectorRegistry) -> tuple[float | None, float | None]:
    """Return how many are active, and how many came today."""
    return tuple(registry.get_sample_value(f"ecommerce_{name}_users") for name in ("active", "daily_active"))  # type: ignore[return-value]


async def test_a_user_is_active_for_five_minutes_and_counts_for_the_day(registry: CollectorRegistry) -> None:
    """Once, however much they do; at midnight (UTC) a new day begins."""
    clock = Clock()
    active = ActiveUsers(None, CircuitBreaker("redis"), clock)
    for user in (1, 2, 1):
        active.seen(user)
    await active.show()
    assert shown(registry) == (2, 2)
    clock.now += 240
    active.seen(3)
    await active.show()
    assert shown(registry) == (3, 3)
    clock.now += 60
    await active.show()
    assert shown(registry) == (1, 3)
    clock.now += 43_200
    active.seen(1)
    await active.show()
    assert shown(registry) == (1, 1)


@pytest.mark.docker
async def test_replicas_count_together(registry: CollectorRegistry, address: str) -> None:
    """A user of both is one."""
    clock = Clock()
    async with Redis.from_url(address) as redis:
        await redis.flushall()
        one, other = (ActiveUsers(redis, CircuitBreaker("redis"), clock) for _ in range(2))
        one.seen(1)
        one.seen(2)
        other.seen(2)
        other.seen(3)
        await one.show()
        await other.show()
        assert shown(registry) == (3, 3)
        assert all([await redis.ttl(key) > 0 for key in await redis.keys()])


async def test_without_redis_those_of_this_process_are_shown(registry: CollectorRegistry) -> None:
    """Better than nothing."""
    async with make_redis("redis://127.0.0.1:9") as redis:
        active = ActiveUsers(redis, CircuitBreaker("redis"), Clock())
        active.seen(1)
        await active.show()
    assert shown(registry) == (1, 1)
