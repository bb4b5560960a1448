"""What visitors do besides buying, right and wrong: a table of visits with weights."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from random import Random
from typing import NamedTuple
from uuid import uuid4

from .accounts import Accounts
from .calls import Calls
from .shelf import Shelf

CARD = "4242424242424242"
NOBODY = 2**31 - 1  # an id that no product and no order will have
WRONG_LOGINS, WINDOW = 10, 900.0
"""Failed logins in so many seconds. The shop allows fifty from one address, and then lets nobody in from there."""
GUESSES = 7
"""Passwords that somebody tries at one account, of which the shop checks five."""


class Visit(NamedTuple):
    """Something that visitors do so often."""

    weight: float
    make: Callable[[], Awaitable[object]]


class Visits:
    """What there is to do.

    Args:
        shop: where.
        fds: the fraud service.
        accounts: who does it.
        shelf: is filled by those who look around.
        chance: decides.
    """

    def __init__(self, shop: Calls, fds: Calls, accounts: Accounts, shelf: Shelf, chance: Random) -> None:
        self._shop = shop
        self._fds = fds
        self._accounts = accounts
        self._shelf = shelf
        self._chance = chance
        self._failed: deque[float] = deque()
        self._visits = (
            Visit(30, self._list_products),
            Visit(30, self._look_at_product),
            Visit(8, self._own_orders),
            Visit(6, self._fill_cart),
            Visit(1, self._log_out),
            Visit(4, self._unknown_product),
            Visit(1, self._unknown_path),
            Visit(1, self._unknown_order),
            Visit(2, self._too_many),
            Visit(2, self._invalid),
            Visit(1, self._in_seven_instalments),
            Visit(1, self._empty_cart),
            Visit(0.3, self._key_of_another_checkout),
            Visit(1, self._not_logged_in),
            Visit(1, self._no_partner),
            Visit(1, self._unknown_payment),
            Visit(1, self._unjudged),
            Visit(2, self._wrong_password),
            Visit(0.3, self._guess),
        )

    async def make_one(self) -> None:
        """Do one of them, by weight; the first one fills the shelf."""
        if not self._shelf.products:
            await self._list_products()
            return
        weights = [visit.weight for visit in self._visits]
        await self._chance.choices(self._visits, weights)[0].make()

    # Right.

    async def _list_products(self) -> None:
        answer = await self._shop.ask("GET", "/v1/products?limit=100")
        if answer.status == 200:
            self._shelf.see(answer.body["products"])

    async def _look_at_product(self) -> None:
        await self._shop.ask("GET", f"/v1/products/{self._product()}")

    async def _own_orders(self) -> None:
        token = await self._anybody()
        answer = await self._shop.ask("GET", "/v1/orders?limit=5", token=token)
        if answer.status == 200 and answer.body["orders"]:
            await self._shop.ask("GET", f"/v1/orders/{answer.body['orders'][0]['id']}", token=token)

    async def _fill_cart(self) -> None:
        token, product = await self._anybody(), self._product()
        await self._shop.ask("PUT", "/v1/cart/items", {"product_id": product, "quantity": 2}, token=token)
        await self._shop.ask("GET", "/v1/cart/items", token=token)
        await self._shop.ask("DELETE", f"/v1/cart/items/{product}", token=token)

    async def _log_out(self) -> None:
        person = self._accounts.anybody(self._chance)
        token = await self._accounts.token(person)
        self._accounts.forget(person)
        await self._shop.ask("DELETE", "/v1/sessions", token=token)

    # Wrong.

    async def _unknown_product(self) -> None:
        await self._shop.ask("GET", f"/v1/products/{self._chance.randint(100_000, NOBODY)}", Accept_Language="ko")

    async def _unknown_path(self) -> None:
        await self._shop.ask("GET", "/v1/product", Accept="application/problem+json")

    async def _unknown_order(self) -> None:
        await self._shop.ask("POST", f"/v1/orders/{NOBODY}/cancel", token=await self._anybody())

    async def _too_many(self) -> None:
        await self._check_out(items=[{"product_id": self._product(), "quantity": 100_000}])

    async def _invalid(self) -> None:
        wrong = self._chance.choice(({"email": "kim"}, {"email": "kim@example.com", "password": "short"}, {}))
        await self._shop.ask("POST", "/v1/users", wrong)

    async def _in_seven_instalments(self) -> None:
        await self._check_out(items=[{"product_id": self._product(), "quantity": 1}], instalments=7)

    async def _empty_cart(self) -> None:
        await self._check_out()

    async def _key_of_another_checkout(self) -> None:
        """Both are cancelled at once, so that nothing is bought by mistake."""
        token, key, product = await self._anybody(), uuid4().hex, self._product()
        bought = {"items": [{"product_id": product, "quantity": 1}], "card_number": CARD}  # a device would be shared
        first = await self._shop.ask("POST", "/v1/checkout", bought, token=token, Idempotency_Key=key)
        bought["items"] = [{"product_id": product, "quantity": 2}]
        await self._shop.ask("POST", "/v1/checkout", bought, token=token, Idempotency_Key=key)
        if first.order_id is not None:
            for _ in range(2):  # the second one is refused: it is cancelled already
                await self._shop.ask("POST", f"/v1/orders/{first.order_id}/cancel", token=token)

    async def _not_logged_in(self) -> None:
        await self._shop.ask("GET", "/v1/orders")

    async def _no_partner(self) -> None:
        await self._shop.ask("POST", f"/v1/orders/{NOBODY}/ship", X_API_Key="nobody's key")

    async def _unknown_payment(self) -> None:
        await self._fds.ask_as_partner("/v1/feedback", {"transaction_id": "order-none", "fraud": True})

    async def _unjudged(self) -> None:
        await self._fds.ask_as_partner("/v1/evaluate", {"transaction_id": "no facts"})

    async def _wrong_password(self) -> None:
        if self._may_fail(1):
            await self._log_in(self._accounts.anybody(self._chance))
        else:
            await self._list_products()

    async def _guess(self) -> None:
        victim = f"victim-{uuid4().hex[:8]}"
        if not self._may_fail(GUESSES):
            await self._list_products()
            return
        for _ in range(GUESSES):
            await self._log_in(victim)

    # What they have in common.

    def _may_fail(self, times: int) -> bool:
        now = time.monotonic()
        while self._failed and self._failed[0] < now - WINDOW:
            self._failed.popleft()
        if len(self._failed) + times > WRONG_LOGINS:
            return False
        self._failed.extend([now] * times)
        return True

    async def _log_in(self, person: str) -> None:
        who = {"email": f"{person}@example.com", "password": "not this one"}
        await self._shop.ask("POST", "/v1/sessions", who, X_Forwarded_For="198.18.0.66")

    async def _check_out(self, **facts: object) -> None:
        body = {"card_number": CARD, **facts}
        token = await self._anybody()
        await self._shop.ask("POST", "/v1/checkout", body, token=token, Idempotency_Key=uuid4().hex)

    async def _anybody(self) -> str:
        return await self._accounts.token(self._accounts.anybody(self._chance))

    def _product(self) -> int:
        return self._chance.choice(list(self._shelf.products))
