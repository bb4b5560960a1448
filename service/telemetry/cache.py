"""A thin cache on Redis: what it knew, what it did not, and how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from service.error_metrics.cells import make_counter

from .redis_spans import redis_span

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from .tracing import ChildSpans


class CacheMetrics:
    """`cache_hits_total` and `cache_misses_total`.

    Args:
        registry: where they are registered.

    Raises:
        ValueError: the registry holds series of these names already.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("cache_type",)
        self.hits = make_counter("cache_hits_total", "Look-ups that the cache answered.", labels, registry)
        self.misses = make_counter("cache_misses_total", "Look-ups that it did not.", labels, registry)


class Cache:
    """One kind of cached things. Errors of Redis come to the caller, who knows what to do without a cache.

    Args:
        redis: the connection pool.
        cache_type: what is cached, such as `product`: a label, and the beginning of each key.
        metrics: counts hits and misses.
        spans: makes a span of each command; None makes none.
    """

    def __init__(self, redis: Redis, cache_type: str, metrics: CacheMetrics, spans: ChildSpans | None = None) -> None:
        self._redis = redis
        self._type = cache_type
        self._hits, self._misses = metrics.hits.labels(cache_type), metrics.misses.labels(cache_type)
        self._spans = spans

    async def get(self, key: str) -> bytes | None:
        """Return what is cached, None if nothing is.

        Raises:
            redis.RedisError: Redis does not answer; this is neither a hit nor a miss.
        """
        with redis_span(self._spans, "GET", self._type):
            found = await self._redis.get(self._name(key))
        (self._misses if found is None else self._hits).inc()
        return found.encode() if isinstance(found, str) else found  # text from a client that decodes

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        """Cache a value for some seconds.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        with redis_span(self._spans, "SET", self._type):
            await self._redis.set(self._name(key), value, ex=seconds)

    async def delete(self, key: str) -> None:
        """Forget a value.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        with redis_span(self._spans, "DEL", self._type):
            await self._redis.delete(self._name(key))

    def _name(self, key: str) -> str:
        return f"{self._type}:{key}"
