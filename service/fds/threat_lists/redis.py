"""The list in Redis, for all replicas, and how a new one takes the place of the old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from service.telemetry.redis_spans import redis_span

from .threat import CATEGORIES, Threat

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from service.telemetry.tracing import ChildSpans

KEY = "fds:threats"
BATCH = 1000


class RedisThreats:
    """Knows what is in Redis.

    Args:
        redis: the connection pool; its time limits are its own.
        spans: traces each question; None traces none.
    """

    def __init__(self, redis: Redis, spans: ChildSpans | None = None) -> None:
        self._redis = redis
        self._spans = spans

    async def find(self, keys: Sequence[str]) -> list[Threat | None]:
        """Return the entry of each key, in one round trip.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        with redis_span(self._spans, "HMGET", "threats"):
            found: list[Any] = await self._redis.hmget(KEY, list(keys))
        return [None if value is None else _threat(value) for value in found]

    async def is_there(self) -> bool:
        """Tell whether there is a list.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        return bool(await self._redis.exists(KEY))

    async def replace(self, entries: Mapping[str, Threat]) -> None:
        """Put a new list in place of the old, all at once.

        Raises:
            redis.RedisError: Redis does not answer; the old list stays.
        """
        new, waiting = f"{KEY}:new", list(entries.items())
        await self._redis.delete(new)
        for start in range(0, len(waiting), BATCH):
            part: dict[Any, Any] = {
                key: f"{threat.category} {threat.score}" for key, threat in waiting[start : start + BATCH]
            }
            await self._redis.hset(new, mapping=part)
        if waiting:
            await self._redis.rename(new, KEY)
        else:
            await self._redis.delete(KEY)


def _threat(value: bytes) -> Threat | None:
    category, _, score = value.decode("utf-8", "replace").partition(" ")
    if category not in CATEGORIES or not score.isdecimal():
        return None  # written by another version: what isn't understood is not listed
    return Threat(category, min(100, int(score)))
