"""Somebody who buys."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from fastapi import FastAPI

from tests.asgi import Result, request

GOOD_CARD, DECLINED_CARD = "4242424242424242", "4000000000000002"
PASSWORD = "correct horse battery"
PARTNER = {"X-API-Key": "0123456789abcdef"}


class Buyer:
    """A client of the shop, logged in or not."""

    def __init__(self, app: FastAPI, token: str = "") -> None:
        self.app = app
        self.token = token

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Result:
        """Send a request."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return await request(self.app, path, method, json_body=body, headers={**sent, **headers})

    async def check_out(self, *items: tuple[int, int], key: str | None = None, **changes: Any) -> Result:
        """Buy products, as pairs of id and quantity; without any, the cart."""
        body = {"card_number": GOOD_CARD, "device": "d1", **changes}
        if items:
            body["items"] = [{"product_id": product, "quantity": quantity} for product, quantity in items]
        return await self.ask("POST", "/v1/checkout", body, **{"Idempotency-Key": key or uuid4().hex})


async def buyer(app: FastAPI, name: str = "kim") -> Buyer:
    """Return somebody who has registered and logged in."""
    who = {"email": f"{name}@example.com", "password": PASSWORD}
    await request(app, "/v1/users", "POST", json_body=who)
    answer = await request(app, "/v1/sessions", "POST", json_body=who)
    assert answer.status == 201, answer.text
    return Buyer(app, answer.json()["token"])


async def stock(app: FastAPI, product_id: int = 1) -> int:
    """Return what is left of a product, asking the list, which no cache answers."""
    page = (await request(app, f"/v1/products?limit=1&after={product_id - 1}")).json()
    left: int = page["products"][0]["stock"]
    return left


async def sample(app: FastAPI, name: str) -> float:
    """Return a sample of the scrape."""
    text = (await request(app, "/metrics")).text
    return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(f"{name} "))
