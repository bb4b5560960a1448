"""The schedule: an open loop, which a slow service does not slow down."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from .tally import Tally

MOST = 100
"""Requests under way at once; what would be more is left out and counted."""
STEPS = 4
"""Steps of the event loop that it takes until whoever has begun asks for a turn."""


class Pace:
    """Gives turns, one for each request, at even distances.

    Args:
        rate: turns a second.
        tally: counts those that are left out.

    Attributes:
        in_flight: requests that are under way.
    """

    def __init__(self, rate: float, tally: Tally) -> None:
        self._rate = rate
        self._tally = tally
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.in_flight = 0

    async def turn(self) -> None:
        """Wait for a turn; who came first gets the next one."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        await mine

    async def run(self, begin: Callable[[], None], seconds: float, stop: asyncio.Event) -> None:
        """Give turns for some seconds (0: without end), or until `stop` is set.

        Args:
            begin: is called when nobody waits for a turn, to begin something new.
            seconds: how long.
            stop: ends it at once.
        """
        began, number = time.monotonic(), 0
        while not stop.is_set() and (not seconds or number / self._rate < seconds):
            number += 1
            if self.in_flight >= MOST:
                self._tally.skipped += 1
            else:
                if not self._anybody():
                    begin()
                    for _ in range(STEPS):
                        await asyncio.sleep(0)  # what has begun comes as far as its first turn
                if self._anybody():
                    self._waiting.popleft().set_result(None)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), began + number / self._rate - time.monotonic())

    def _anybody(self) -> bool:
        while self._waiting and self._waiting[0].done():  # those were cancelled
            self._waiting.popleft()
        return bool(self._waiting)
