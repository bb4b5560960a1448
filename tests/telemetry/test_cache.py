"""The cache, on a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NoRedis

from service.telemetry.cache import Cache, CacheMetrics
from service.telemetry.tracing import get_tracer
from tests.redis_server import redis_server

from .tracing.conftest import Traced, traced

__all__ = ["traced"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Redis server."""
    with redis_server() as server:
        yield server.url


@pytest.fixture
def registry() -> CollectorRegistry:
    """Where the metrics are."""
    return CollectorRegistry()


@pytest.fixture
async def cache(address: str, registry: CollectorRegistry, traced: Traced) -> AsyncIterator[Cache]:
    """An empty cache of products."""
    redis = Redis.from_url(address)
    await redis.flushall()
    yield Cache(redis, "product", CacheMetrics(registry), traced.tracing.child_spans())
    await redis.aclose()


def counted(registry: CollectorRegistry) -> tuple[float | None, float | None]:
    """Return hits and misses."""
    labels = {"cache_type": "product"}
    return registry.get_sample_value("cache_hits_total", labels), registry.get_sample_value(
        "cache_misses_total", labels
    )


@pytest.mark.docker
async def test_hits_and_misses_are_counted(cache: Cache, registry: CollectorRegistry) -> None:
    """From zero."""
    assert counted(registry) == (0, 0)
    assert await cache.get("17") is None
    await cache.set("17", b"\x00tea", seconds=60)
    assert await cache.get("17") == b"\x00tea"
    await cache.delete("17")
    assert await cache.get("17") is None
    assert counted(registry) == (1, 2)


@pytest.mark.docker
async def test_what_is_cached_goes_by_itself(cache: Cache, address: str) -> None:
    """And its key begins with what it is."""
    await cache.set("17", b"tea", seconds=60)
    async with Redis.from_url(address) as redis:
        assert 0 < await redis.ttl("product:17") <= 60


@pytest.mark.docker
async def test_a_command_is_a_span_without_its_key(cache: Cache, traced: Traced) -> None:
    """Which may be somebody's session."""
    with get_tracer().start_as_current_span("checkout") as parent:
        await cache.get("secret-session")
    span, _ = traced.spans()
    assert (span.name, span.parent) == ("GET product", parent.get_span_context())
    assert "secret" not in span.to_json()


async def test_without_redis_the_caller_knows(registry: CollectorRegistry, traced: Traced) -> None:
    """It is neither a hit nor a miss, and a span in error."""
    cache = Cache(Redis(host="127.0.0.1", port=9), "product", CacheMetrics(registry), traced.tracing.child_spans())
    with get_tracer().start_as_current_span("checkout"), pytest.raises(NoRedis):
        await cache.get("17")
    assert counted(registry) == (0, 0)
    assert traced.spans()[0].status.status_code is StatusCode.ERROR
