"""A shop with many buyers in it, and their checkouts as the bytes that go over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from random import Random
from secrets import token_urlsafe

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from service.database import make_engine
from service.migrations import upgrade
from service.shop.tables import Product, Session, User

BUYERS, PRODUCTS, STOCK = 5_000, 100, 1_000_000
"""So many that nobody buys often enough to look like a fraud, and that few wait for the same row."""
PLENTY = 500_000
CARD = "4242424242424242"


async def prepare(database_url: str) -> Iterator[bytes]:
    """Fill the database, and return checkouts without end: each of another buyer in turn, of one product."""
    engine = make_engine(database_url)
    try:
        await upgrade(engine)
        return checkouts(await _buyers(engine), await _products(engine))
    finally:
        await engine.dispose()


async def _products(engine: AsyncEngine) -> list[int]:
    async with engine.begin() as connection:
        plenty = select(Product.id).where(Product.stock > PLENTY)
        found = list((await connection.scalars(plenty)).all())
        if len(found) >= PRODUCTS:
            return found
        run = token_urlsafe(6)
        rows = [{"name": f"goods {run} {number}", "price": 12_500, "stock": STOCK} for number in range(PRODUCTS)]
        await connection.execute(insert(Product), rows)
        return list((await connection.scalars(plenty)).all())


async def _buyers(engine: AsyncEngine) -> list[tuple[int, str]]:
    """Let buyers be registered and logged in; hashing their passwords would take minutes and is not measured here."""
    now, run = datetime.now(UTC), token_urlsafe(6).lower()
    tokens = [token_urlsafe(32) for _ in range(BUYERS)]
    users = [
        {"email": f"{run}-{number}@example.com", "password_hash": "none", "country": "KR", "created_at": now}
        for number in range(BUYERS)
    ]
    async with engine.begin() as connection:
        await connection.execute(insert(User), users)
        ids = list((await connection.scalars(select(User.id).where(User.email.like(f"{run}-%")))).all())
        sessions = [
            {
                "token_digest": sha256(token.encode()).hexdigest(),
                "user_id": user,
                "expires_at": now + timedelta(hours=2),
            }
            for user, token in zip(ids, tokens, strict=True)
        ]
        await connection.execute(insert(Session), sessions)
    return list(zip(ids, tokens, strict=True))


def checkouts(buyers: list[tuple[int, str]], products: list[int]) -> Iterator[bytes]:
    """Return requests, each with a key of its own."""
    chance, run = Random(1), token_urlsafe(6)  # noqa: S311  # chance, not secrecy
    for number in count():
        user, token = buyers[number % len(buyers)]
        item = {"product_id": chance.choice(products), "quantity": 1}
        body = json.dumps({"items": [item], "card_number": CARD, "device": f"d{user}"}).encode()
        yield (
            "POST /v1/checkout HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nIdempotency-Key: {run}-{number}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body
