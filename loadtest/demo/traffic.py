"""Everything that is going on: purchases when they are due, and visits in between."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from random import Random
from typing import Any

from .accounts import Accounts
from .calls import Away, Calls
from .pace import Pace
from .shelf import Shelf
from .shopper import Shopper
from .stories import Purchase, purchases
from .tally import Tally
from .visits import Visits

SHARE = 0.15
"""Purchases per request of the schedule; each brings about five requests with it, the registration included."""
PEOPLE, HOURLY, HOUR = 100, 8, 3600.0
"""Users at least; and purchases of one user in an hour, or in all: with more everybody would look as if trying cards
out, and with fewer nobody would have habits."""
UNEXPECTED = (KeyError, TypeError, ValueError, IndexError)  # from answers that are not what the shop gives


class Traffic:
    """Puts the parts together.

    Args:
        shop: where to buy.
        fds: the fraud service.
        rate: requests a second.
        seconds: how long it goes on; 0 is until it is stopped.
        seed: of all chance.
        tally: counts.
        pace: gives the turns.
    """

    def __init__(
        self, shop: Calls, fds: Calls, rate: float, seconds: float, seed: int, tally: Tally, pace: Pace
    ) -> None:
        chance, shelf, accounts = Random(seed), Shelf(), Accounts(shop)  # noqa: S311  # chance, not secrecy
        per_second = rate * SHARE
        people = max(PEOPLE, round(per_second * min(seconds or HOUR, HOUR) / HOURLY))
        self._purchases: Iterator[Purchase] = purchases(seed, people, per_second)
        self._next = next(self._purchases)
        self._visits = Visits(shop, fds, accounts, shelf, chance)
        self._shopper = Shopper(shop, fds, accounts, shelf, tally, chance)
        self._seconds = seconds
        self._shelf = shelf
        self._tally = tally
        self._pace = pace
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until the time is over, or `stop` is set."""
        self._began = asyncio.get_running_loop().time()
        await self._pace.run(self._begin, self._seconds, stop)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _begin(self) -> None:
        now = asyncio.get_running_loop().time() - self._began
        if self._next.at <= now and self._shelf.products:
            self._start(self._shopper.buy(self._next))
            self._next = next(self._purchases)
        else:
            self._start(self._visits.make_one())

    def _start(self, story: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._see_through(story))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _see_through(self, story: Coroutine[Any, Any, None]) -> None:
        try:
            await story
        except* Away:
            pass  # it is counted, and the next one tries again
        except* UNEXPECTED:
            self._tally.odd += 1
