"""Users of the shop: each person registers, and logs in, when first needed."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from random import Random

from .calls import Away, Calls

PASSWORD = "demo traffic only"  # noqa: S105  # nobody's
MOST, RENEWED = 5_000, 3000.0
"""Logins that are remembered, and the seconds after which one is made anew: the shop forgets them after an hour."""


class NotIn(Away):
    """Somebody could not log in."""


class Accounts:
    """Who is logged in.

    Args:
        shop: where they are users.
    """

    def __init__(self, shop: Calls) -> None:
        self._shop = shop
        self._logins: OrderedDict[str, tuple[float, asyncio.Task[str]]] = OrderedDict()

    async def token(self, person: str, country: str = "KR", ip: str = "198.18.0.1") -> str:
        """Return the token of somebody's login.

        Raises:
            Away: the shop does not answer, or does not let them in.
        """
        since, task = self._logins.get(person, (0.0, None))
        if task is None or time.monotonic() - since > RENEWED:
            task = asyncio.create_task(self._log_in(person, country, ip))
            self._logins[person] = time.monotonic(), task
        self._logins.move_to_end(person)
        while len(self._logins) > MOST:
            self._logins.popitem(last=False)
        try:
            return await asyncio.shield(task)
        except Away:
            self.forget(person)
            raise

    def forget(self, person: str) -> None:
        """Let somebody log in anew the next time."""
        self._logins.pop(person, None)

    def anybody(self, chance: Random) -> str:
        """Return one of those who were seen, or a first one."""
        return chance.choice(list(self._logins)) if self._logins else "demo-first"

    async def _log_in(self, person: str, country: str, ip: str) -> str:
        # The address counts where the shop trusts us as a proxy (TRUSTED_PROXIES), and is ignored elsewhere.
        who = {"email": f"{person}@example.com", "password": PASSWORD}
        await self._shop.ask("POST", "/v1/users", who | {"country": country}, X_Forwarded_For=ip)
        answer = await self._shop.ask("POST", "/v1/sessions", who, X_Forwarded_For=ip)
        if answer.status != 201:
            raise NotIn
        return str(answer.body["token"])
