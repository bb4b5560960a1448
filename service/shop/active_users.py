"""How many users there are just now and today; counted together over replicas where there is Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from service.telemetry.background import going_on
from service.telemetry.circuit_breaker import CircuitBreaker

from .record import show_users

if TYPE_CHECKING:
    from redis.asyncio import Redis

MINUTE, DAY = 60, 86_400
ACTIVE_MINUTES = 5
INTERVAL = 5.0
MAX_USERS = 200_000


class ActiveUsers:
    """Notes who was seen, minute by minute. A request costs it one addition to a set.

    Args:
        redis: where replicas add up (as HyperLogLogs, which are wrong by about 1 %); None for this process alone.
        breaker: keeps from asking a Redis that does not answer.
        clock: seconds since the epoch, for tests.
    """

    def __init__(self, redis: Redis | None, breaker: CircuitBreaker, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._breaker = breaker
        self._clock = clock
        self._minutes: dict[int, set[int]] = {}
        self._today: tuple[int, set[int]] = (0, set())

    def seen(self, user_id: int) -> None:
        """Note that a user did something."""
        now = int(self._clock())
        users = self._minutes.setdefault(now // MINUTE, set())
        if len(users) < MAX_USERS:
            users.add(user_id)

    def watching(self) -> AbstractAsyncContextManager[None]:
        """Show the numbers every few seconds inside the block."""
        return going_on(self._go_on())

    async def show(self) -> None:
        """Count, and show the numbers."""
        now = int(self._clock())
        minute, day = now // MINUTE, now // DAY
        for old in [known for known in self._minutes if known <= minute - ACTIVE_MINUTES - 1]:
            del self._minutes[old]
        if self._today[0] != day:
            self._today = day, set()
        for known, users in self._minutes.items():
            if known * MINUTE // DAY == day and len(self._today[1]) < MAX_USERS:
                self._today[1].update(users)
        own = set().union(*(users for known, users in self._minutes.items() if known > minute - ACTIVE_MINUTES))
        active, today = len(own), len(self._today[1])
        if self._redis is not None:
            try:
                with self._breaker.guarding():
                    active, today = await self._together(self._redis, minute, day)
            except Exception:  # noqa: BLE001, S110  # then the numbers of this process are shown
                pass
        show_users(active, today)

    async def _go_on(self) -> None:
        while True:
            await self.show()
            await asyncio.sleep(INTERVAL)

    async def _together(self, redis: Redis, minute: int, day: int) -> tuple[int, int]:
        daily = f"shop:seen:day:{day}"
        async with redis.pipeline(transaction=False) as pipe:
            for known, users in self._minutes.items():
                key = f"shop:seen:minute:{known}"
                if users:
                    pipe.pfadd(key, *users)
                    pipe.expire(key, (ACTIVE_MINUTES + 1) * MINUTE)
            if self._today[1]:
                pipe.pfadd(daily, *self._today[1])
                pipe.expire(daily, 2 * DAY)
            pipe.pfcount(*(f"shop:seen:minute:{minute - back}" for back in range(ACTIVE_MINUTES)))
            pipe.pfcount(daily)
            *_, active, today = await pipe.execute()
        return int(active), int(today)
