"""Keeping somebody from guessing passwords and codes: failures are counted by account and by address."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from service.shop.errors import TooManyAttempts
from service.telemetry.circuit_breaker import CircuitBreaker

if TYPE_CHECKING:
    from redis.asyncio import Redis

WINDOW = 900
OF_ACCOUNT, OF_ADDRESS = 5, 50
"""Failures that are allowed within the window, in seconds; many people may share one address."""
MAX_KEPT = 50_000


class Throttle:
    """Counts guesses that failed, for all replicas where there is Redis, and always for this process.

    Args:
        redis: shared counters; None for none.
        breaker: keeps from asking a Redis that does not answer.
        clock: seconds since the epoch, for tests.
    """

    def __init__(self, redis: Redis | None, breaker: CircuitBreaker, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._breaker = breaker
        self._clock = clock
        self._own: OrderedDict[str, int] = OrderedDict()
        self._running: Counter[str] = Counter()

    @asynccontextmanager
    async def trying(self, account: str, address: str) -> AsyncIterator[None]:
        """Let somebody guess inside the block; until it ends it counts as failed, or many at once would be let in.

        Args:
            account: what is guessed at, such as an email address in lower case.
            address: where the guess comes from.

        Raises:
            TooManyAttempts: too many failed, or are being tried; the answer says when to come back.
        """
        await self.check(account, address)
        who = (f"account:{account}", f"address:{address}")
        self._running.update(who)
        try:
            yield
        finally:
            self._running.subtract(who)
            for one in who:
                if not self._running[one]:
                    del self._running[one]

    async def check(self, account: str, address: str) -> None:
        """Let somebody guess.

        Raises:
            TooManyAttempts: too many failed; the answer says when to come back.
        """
        keys = self._keys(account, address)
        counts = [self._own.get(key, 0) for key in keys]
        if self._redis is not None:
            try:
                with self._breaker.guarding():
                    shared = await self._redis.mget(keys)
                counts = [max(own, int(found or 0)) for own, found in zip(counts, shared, strict=True)]
            except Exception:  # noqa: BLE001, S110  # then this process's own counts must do
                pass
        if counts[0] >= OF_ACCOUNT or counts[1] >= OF_ADDRESS:
            raise _too_many(WINDOW - int(self._clock()) % WINDOW)
        running = self._running[f"account:{account}"], self._running[f"address:{address}"]
        if counts[0] + running[0] >= OF_ACCOUNT or counts[1] + running[1] >= OF_ADDRESS:
            raise _too_many(1)

    async def failed(self, account: str, address: str) -> None:
        """Count a guess that failed."""
        keys = self._keys(account, address)
        for key in keys:
            self._own[key] = self._own.get(key, 0) + 1
            self._own.move_to_end(key)
        while len(self._own) > MAX_KEPT:
            self._own.popitem(last=False)
        if self._redis is None:
            return
        try:
            with self._breaker.guarding():
                async with self._redis.pipeline(transaction=True) as pipe:
                    for key in keys:
                        pipe.incr(key)
                        pipe.expire(key, WINDOW)
                    await pipe.execute()
        except Exception:  # noqa: BLE001
            return

    def _keys(self, account: str, address: str) -> list[str]:
        # Windows are fixed, so their number is part of the key; digests, because addresses are nobody's business.
        window = int(self._clock()) // WINDOW
        parts = (f"account:{account}", f"address:{address}")
        return [f"shop:logins:{sha256(part.encode()).hexdigest()[:32]}:{window}" for part in parts]


def _too_many(wait: int) -> TooManyAttempts:
    return TooManyAttempts(detail={"retry_after_seconds": wait}, headers={"Retry-After": str(wait)})
