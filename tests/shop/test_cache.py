"""A cache that never fails."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from service.redis_pool import make_redis
from service.resources import Resources
from service.shop.cache import MemoryCache, SafeCache, make_cache
from service.telemetry.cache import CacheMetrics
from service.telemetry.circuit_breaker import CircuitBreaker


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.docker)])
async def cache(request: pytest.FixtureRequest, registry: CollectorRegistry) -> AsyncIterator[SafeCache]:
    """An empty cache of products."""
    if request.param == "memory":
        yield make_cache(Resources(None), CircuitBreaker("redis"), "product")  # type: ignore[arg-type]
        return
    async with Redis.from_url(request.getfixturevalue("address")) as redis:
        await redis.flushall()
        resources = Resources(None, redis, registry, caches=CacheMetrics(registry))  # type: ignore[arg-type]
        yield make_cache(resources, CircuitBreaker("redis"), "product")


def counted(registry: CollectorRegistry, operation: str, result: str) -> float | None:
    """Return how often an operation ended so."""
    labels = {"operation": operation, "result": result}
    return registry.get_sample_value("ecommerce_cache_operations_total", labels)


async def test_what_is_set_is_known_until_it_is_deleted(cache: SafeCache, registry: CollectorRegistry) -> None:
    """Each operation is counted, and the share of hits shown."""
    assert await cache.get("1") is None
    await cache.set("1", b"one", 60)
    assert await cache.get("1") == b"one"
    assert registry.get_sample_value("ecommerce_cache_hit_ratio") == 0.5
    await cache.delete("1")
    assert await cache.get("1") is None
    found = [counted(registry, *key) for key in (("get", "hit"), ("get", "miss"), ("set", "ok"), ("delete", "ok"))]
    assert found == [1, 2, 1, 1]


@pytest.mark.docker
async def test_redis_forgets_in_time(address: str, registry: CollectorRegistry) -> None:
    """Seconds are seconds there, too."""
    async with Redis.from_url(address) as redis:
        await redis.flushall()
        resources = Resources(None, redis, registry, caches=CacheMetrics(registry))  # type: ignore[arg-type]
        await make_cache(resources, CircuitBreaker("redis"), "product").set("1", b"one", 60)
        assert 50 <= await redis.ttl("product:1") <= 60


async def test_without_redis_nothing_is_known_and_nothing_fails(registry: CollectorRegistry) -> None:
    """After five failures it is not even asked; errors are no misses."""
    async with make_redis("redis://127.0.0.1:9") as redis:
        resources = Resources(None, redis, registry, caches=CacheMetrics(registry))  # type: ignore[arg-type]
        breaker = CircuitBreaker("redis")
        cache = make_cache(resources, breaker, "product")
        for _ in range(3):
            await cache.set("1", b"one", 60)
            assert await cache.get("1") is None
            await cache.delete("1")
    assert breaker.state == "open"
    assert [counted(registry, name, "error") for name in ("get", "set", "delete")] == [3, 3, 3]
    assert counted(registry, "get", "miss") == 0


async def test_memory_forgets_in_time(registry: CollectorRegistry) -> None:
    """At the second."""
    clock = Clock()
    cache = MemoryCache(clock)
    await cache.set("1", b"one", 10)
    clock.now = 9.9
    assert await cache.get("1") == b"one"
    clock.now = 10.0
    assert await cache.get("1") is None


async def test_memory_is_bounded(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes."""
    monkeypatch.setattr("service.shop.cache.MAX_ENTRIES", 2)
    cache = MemoryCache()
    for key in ("1", "2", "1", "3"):
        await cache.set(key, b"", 60)
    assert [await cache.get(key) is not None for key in ("1", "2", "3")] == [True, False, True]
