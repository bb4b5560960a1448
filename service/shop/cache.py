"""A cache that never fails: in Redis for all replicas, or else in memory; with Redis away, it knows nothing."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol, TypeVar

from service.resources import Resources
from service.telemetry.cache import Cache
from service.telemetry.circuit_breaker import CircuitBreaker

from .record import record_cache_operation

MAX_ENTRIES = 10_000
T = TypeVar("T")


class SafeCache(Protocol):
    """Texts by key, each for some seconds."""

    async def get(self, key: str) -> bytes | None:
        """Return what is known, None if nothing is."""
        ...

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        """Keep a value for some seconds, if possible."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a value, if possible."""
        ...


class MemoryCache:
    """The cache of one process.

    Args:
        clock: seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        """Return what is known and not expired."""
        found = self._entries.get(key)
        if found is None or found[0] <= self._clock():
            record_cache_operation("get", "miss")
            return None
        record_cache_operation("get", "hit")
        return found[1]

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        """Keep a value; the oldest goes when there are too many."""
        self._entries[key] = (self._clock() + seconds, value)
        self._entries.move_to_end(key)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)
        record_cache_operation("set", "ok")

    async def delete(self, key: str) -> None:
        """Forget a value."""
        self._entries.pop(key, None)
        record_cache_operation("delete", "ok")


class RedisCache:
    """The cache of all replicas.

    Args:
        cache: does it.
        breaker: keeps from asking a Redis that does not answer.
    """

    def __init__(self, cache: Cache, breaker: CircuitBreaker) -> None:
        self._cache = cache
        self._breaker = breaker

    async def get(self, key: str) -> bytes | None:
        """Return what is known; nothing is when Redis is away."""
        try:
            with self._breaker.guarding():
                found = await self._cache.get(key)
        except Exception:  # noqa: BLE001  # the database knows it, too
            record_cache_operation("get", "error")
            return None
        record_cache_operation("get", "miss" if found is None else "hit")
        return found

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        """Keep a value; not when Redis is away."""
        try:
            with self._breaker.guarding():
                await self._cache.set(key, value, seconds)
        except Exception:  # noqa: BLE001
            record_cache_operation("set", "error")
        else:
            record_cache_operation("set", "ok")

    async def delete(self, key: str) -> None:
        """Forget a value; when Redis is away it stays until it expires."""
        try:
            with self._breaker.guarding():
                await self._cache.delete(key)
        except Exception:  # noqa: BLE001
            record_cache_operation("delete", "error")
        else:
            record_cache_operation("delete", "ok")


def make_cache(resources: Resources, breaker: CircuitBreaker, cache_type: str) -> SafeCache:
    """Return a cache of one kind of things, in Redis if there is one."""
    if resources.redis is None or resources.caches is None:
        return MemoryCache()
    cache = Cache(resources.redis, cache_type, resources.caches, resources.spans)
    return RedisCache(cache, breaker)


def understood(kind: Callable[..., T], cached: bytes | None) -> T | None:
    """Return what is cached as a `kind`, None if it is not one: another version of this code may have written it."""
    if cached is None:
        return None
    try:
        return kind(**json.loads(cached))
    except (ValueError, TypeError):
        return None
