"""From a purchase to an order that has arrived, or has not, and to the label of its payment."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any
from uuid import uuid4

from .accounts import Accounts
from .calls import Answer, Calls
from .shelf import Shelf
from .stories import Purchase
from .tally import Tally

DECLINED_CARD, CODE, WRONG_CODE = "4000000000000002", "000000", "123456"
BY_CART, REPLAYED, DECLINED, MISTYPED, PAID_AFTER_ALL, LABELLED = 0.3, 0.05, 0.06, 0.2, 0.7, 0.85
"""Shares: carts among ordinary purchases, checkouts that are sent twice, honest cards that are declined, codes that are
mistyped, declined orders that are paid with another card, and payments that are labelled."""
SOON = (1.0, 6.0)
"""Seconds until the next thing happens to an order."""


class Shopper:
    """Buys, and does what follows.

    Args:
        shop: where.
        fds: is told what payments were.
        accounts: who buys.
        shelf: what there is.
        tally: counts what became of it.
        chance: decides.
    """

    def __init__(self, shop: Calls, fds: Calls, accounts: Accounts, shelf: Shelf, tally: Tally, chance: Random) -> None:
        self._shop = shop
        self._fds = fds
        self._accounts = accounts
        self._shelf = shelf
        self._tally = tally
        self._chance = chance

    async def buy(self, purchase: Purchase) -> None:
        """Check out, and see the order through."""
        token = await self._accounts.token(purchase.person, purchase.country, purchase.ip)
        answer = await self._check_out(token, purchase)
        if answer.status == 401:
            self._accounts.forget(purchase.person)
        order_id = answer.order_id
        if order_id is None:
            return
        outcome = _outcome(answer)
        self._tally.decisions[outcome] += 1
        async with asyncio.TaskGroup() as group:
            group.create_task(self._label(order_id, purchase.fraud))
            group.create_task(self._go_on(token, purchase, order_id, outcome))

    async def _check_out(self, token: str, purchase: Purchase) -> Answer:
        items = [
            {"product_id": product, "quantity": quantity}
            for product, quantity in self._shelf.basket(purchase.amount, self._chance).items()
        ]
        if not items:
            return Answer(0)
        declined = not purchase.fraud and self._chance.random() < DECLINED
        body = _paying(purchase) | ({"card_number": DECLINED_CARD} if declined else {})
        if purchase.story == "ordinary" and self._chance.random() < BY_CART:
            for item in items:
                await self._shop.ask("PUT", "/v1/cart/items", item, token=token)
        else:
            body["items"] = items
        headers = {"Idempotency_Key": f"demo-{uuid4().hex}", "X_Forwarded_For": purchase.ip}
        answer = await self._shop.ask("POST", "/v1/checkout", body, token=token, **headers)
        if self._chance.random() < REPLAYED:
            await self._shop.ask("POST", "/v1/checkout", body, token=token, **headers)
        return answer

    async def _go_on(self, token: str, purchase: Purchase, order_id: int, outcome: str) -> None:
        paid = outcome == "completed"
        if outcome == "additional_auth":
            paid = await self._confirm(token, purchase, order_id)
        elif outcome == "review":
            paid = await self._reviewed(token, purchase, order_id)
        elif outcome == "declined" and self._chance.random() < PAID_AFTER_ALL:
            paid = await self._pay(token, purchase, order_id)
        if paid:
            await self._deliver(token, order_id)

    async def _confirm(self, token: str, purchase: Purchase, order_id: int) -> bool:
        """Pay with the bank's code, which a thief does not get."""
        if purchase.fraud or self._chance.random() < MISTYPED:
            await self._pay(token, purchase, order_id, WRONG_CODE)
        return not purchase.fraud and await self._pay(token, purchase, order_id, CODE)

    async def _reviewed(self, token: str, purchase: Purchase, order_id: int) -> bool:
        """Have somebody look at it, who is right about what it is."""
        if self._shop.key is None:
            return False
        await self._pause()
        release = {"release": not purchase.fraud}
        answer = await self._shop.ask_as_partner(f"/v1/orders/{order_id}/review", release)
        return answer.status == 200 and not purchase.fraud and await self._pay(token, purchase, order_id)

    async def _pay(self, token: str, purchase: Purchase, order_id: int, code: str | None = None) -> bool:
        body = _paying(purchase) | ({"code": code} if code else {})
        headers = {"X_Forwarded_For": purchase.ip}
        answer = await self._shop.ask("POST", f"/v1/orders/{order_id}/pay", body, token=token, **headers)
        return answer.status == 200

    async def _deliver(self, token: str, order_id: int) -> None:
        await self._pause()
        if self._chance.random() < self._shelf.returned:
            await self._shop.ask("POST", f"/v1/orders/{order_id}/cancel", token=token)
        elif self._shop.key is not None:
            for step in ("ship", "deliver"):
                await self._pause()
                await self._shop.ask_as_partner(f"/v1/orders/{order_id}/{step}")

    async def _label(self, order_id: int, fraud: bool) -> None:
        """Tell the fraud service what it was, as the card's owner or a charge-back would."""
        if self._chance.random() >= LABELLED:
            return
        await self._pause()
        body = {"transaction_id": f"order-{order_id}", "fraud": fraud}
        if (await self._fds.ask_as_partner("/v1/feedback", body)).status == 200:
            self._tally.labels["fraud" if fraud else "honest"] += 1

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(*SOON))


def _paying(purchase: Purchase) -> dict[str, Any]:
    return {
        "card_number": purchase.card,
        "device": purchase.device,
        "country": purchase.country,
        "card_country": purchase.card_country,
    }


def _outcome(answer: Answer) -> str:
    if answer.status == 201:
        return "completed"
    known = {402: "declined", 403: "blocked"}
    return known.get(answer.status) or str(answer.body.get("outcome", "failed"))
