"""What people send who mean no good: into every field, path, query and header of both services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type
from fastapi import FastAPI
from sqlalchemy import text

from service.shop.seed import PRODUCTS
from tests.asgi import Result, request
from tests.shop.clients import GOOD_CARD, PARTNER, PASSWORD, Buyer, sample

from .books import audit

TEXTS = (
    "'; DROP TABLE orders; --",
    "' OR '1'='1",
    "x') UNION SELECT email, password_hash FROM users --",
    '"; UPDATE products SET price = 1; --',
    "1; SELECT pg_sleep(10)",
    "\x00",
    "\ud800",
    "{{7*7}} ${jndi:ldap://x} %s%n",
    "x" * 10_000,
)
NUMBERS = ("-1", "0", "1.5", "1e999", "NaN", "9" * 40, "9" * 5000, "null", "[]", "{}", "true", '"1"', "[" * 50_000)
BODIES: dict[str, dict[str, Any]] = {
    "EvaluationRequest": {
        "transaction_id": "t1",
        "user_id": "u1",
        "amount": 30_000,
        "payment_method": "card",
        "card": "c1",
        "device": "d1",
        "ip": "198.18.0.1",
        "country": "KR",
        "card_country": "KR",
        "account_age_days": 365,
    },
    "Feedback": {"transaction_id": "t1", "fraud": True},
    "FaultRequest": {"latency_ms": 0, "error": False},
    "Registration": {"email": "eve@example.com", "password": PASSWORD, "country": "KR"},
    "Credentials": {"email": "kim@example.com", "password": "wrong password"},
    "OrderItem": {"product_id": 2, "quantity": 1},
    "CheckoutBody": {
        "payment_method": "card",
        "card_number": GOOD_CARD,
        "instalments": 1,
        "code": "000000",
        "items": [{"product_id": 2, "quantity": 1}],
        "device": "d1",
        "country": "KR",
        "card_country": "KR",
    },
    "PaymentBody": {"payment_method": "card", "card_number": GOOD_CARD, "instalments": 1, "code": "000000"},
    "Review": {"release": True},
    "FaultSwitch": {"active": False},
}
"""A good body for each kind: of every new kind a test fails until it is here."""


class Operation(NamedTuple):
    """One operation of the OpenAPI document."""

    method: str
    path: str
    places: list[tuple[str, str]]
    body: dict[str, Any] | None


def operations(app: FastAPI) -> Iterator[Operation]:
    """Give every operation but logging out, after which nobody would get as far as a field."""
    for path, methods in app.openapi()["paths"].items():
        for method, told in methods.items():
            if (method, path) == ("delete", "/v1/sessions"):
                continue
            content = told.get("requestBody", {}).get("content", {}).get("application/json")
            name = content["schema"]["$ref"].rpartition("/")[2] if content else None
            places = [(parameter["in"], parameter["name"]) for parameter in told.get("parameters", ())]
            yield Operation(method.upper(), path, places, BODIES[name] if name is not None else None)


def raw(body: dict[str, Any], name: str, value: str) -> bytes:
    """Return a body as JSON in which one value is what is written in `value`."""
    return json.dumps({**body, name: "@@"}).replace('"@@"', value).encode()


async def sent(kim: Buyer, operation: Operation, body: bytes, **changes: str) -> Result:
    """Send one request, with one place of it changed."""
    path, headers = operation.path, {"Authorization": f"Bearer {kim.token}", "Idempotency-Key": "k1", **PARTNER}
    for place, name in operation.places:
        if place == "path":
            path = path.replace(f"{{{name}}}", changes.get(name, "1"))
        elif name in changes:
            if place == "query":
                path += f"?{name}={changes[name]}"
            else:
                headers[name] = changes[name]
    if operation.body is not None:
        headers["Content-Type"] = "application/json"
    return await request(kim.app, path, operation.method, body=body, headers=headers)


async def attacked(kim: Buyer, operation: Operation) -> list[Result]:
    """Put every bad value into every place, one at a time, and return the answers."""
    good = json.dumps(operation.body).encode() if operation.body is not None else b""
    results = []
    for place, name in operation.places:
        for value in TEXTS:
            written = value.encode("utf-8", "replace")
            # A path reaches an application decoded, a query as it was sent; HTTP knows no header with a NUL.
            ways = {"path": written.decode(), "query": quote(written), "header": written.decode().replace("\x00", "")}
            change = ways[place]
            results.append(await sent(kim, operation, good, **{name: change}))
    for name in operation.body or ():
        for value in (*map(json.dumps, TEXTS), *NUMBERS):
            results.append(await sent(kim, operation, raw(operation.body or {}, name, value)))
    return results


async def test_nothing_that_is_sent_breaks_anything(app: FastAPI, kim: Buyer) -> None:
    """No answer is a 5xx; tables, prices and stock are what they were, and nobody is logged in who should not be."""
    assert (await kim.check_out((2, 1), key="k0")).json()["id"] == 1
    tried = 0
    for operation in operations(app):
        for result in await attacked(kim, operation):
            tried += 1
            assert 200 <= result.status < 500, (operation, result.text)
            if operation.path == "/v1/sessions":
                assert result.status >= 400, result.text
            elif ("header", "x-api-key") not in operation.places:
                assert result.status != 401, (operation, result.text)
    assert tried > 700
    async with app.state.resources.engine.connect() as connection:
        products = (await connection.execute(text("SELECT name, price FROM products ORDER BY id"))).all()
        emails = set((await connection.execute(text("SELECT email FROM users"))).scalars())
    assert [tuple(product) for product in products] == [(name, price) for name, price, _ in PRODUCTS]
    assert emails <= {"kim@example.com", "eve@example.com"}
    await audit(app.state.resources.engine)


async def test_a_body_that_is_too_large_is_a_413_everywhere(app: FastAPI, kim: Buyer) -> None:
    """Before anybody reads it, and without a word of it in the answer."""
    with_body = [operation for operation in operations(app) if operation.body is not None]
    for operation in with_body:
        result = await sent(kim, operation, b'{"x": "' + b"y" * 1_048_576 + b'"}')
        assert (result.status, result.json()["error_code"]) == (413, 498), (operation, result.text)
        assert "yyy" not in result.text
    assert len(with_body) == len(BODIES)


@pytest.mark.parametrize("quantity", [-1, 0, -(10**12), 100_001])
@pytest.mark.parametrize("path", ["/v1/cart/items", "/v1/checkout"])
async def test_a_quantity_that_is_none_is_named(kim: Buyer, path: str, quantity: int) -> None:
    """And nothing is put into the cart, or ordered."""
    item = {"product_id": 2, "quantity": quantity}
    if path == "/v1/checkout":
        body, method = {"items": [item], "card_number": GOOD_CARD}, "POST"
    else:
        body, method = item, "PUT"
    result = await kim.ask(method, path, body, **{"Idempotency-Key": "k1"})
    assert (result.status, result.json()["error_code"]) == (422, 499)
    assert "quantity" in result.text
    assert (await kim.ask("GET", "/v1/orders")).json()["orders"] == []
    assert (await kim.ask("GET", "/v1/cart/items")).json() == {"items": []}


@pytest.mark.parametrize(
    "kept",
    [
        PasswordHasher(time_cost=1, memory_cost=19_456, parallelism=1).hash(PASSWORD),
        PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.I).hash(PASSWORD),
        "$2b$12$C6UzMDM.H6dfI/f/IKcEeO7ZlO1e1r5qf2o8lZ4kq0bY3lqkq2d6S",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        PASSWORD,
        "",
    ],
    ids=["one pass", "argon2i", "bcrypt", "md5", "plain", "nothing"],
)
async def test_who_has_a_weak_hash_can_not_log_in(app: FastAPI, kim: Buyer, kept: str) -> None:
    """Not even with the right password: whoever put it there may know it. It is a failed login like any other."""
    async with app.state.resources.engine.begin() as connection:
        await connection.execute(text("UPDATE users SET password_hash = :kept"), {"kept": kept})
    result = await request(app, "/v1/sessions", "POST", json_body={"email": "kim@example.com", "password": PASSWORD})
    assert (result.status, result.json()["error_code"]) == (401, 202)
    assert await sample(app, 'ecommerce_user_logins_total{result="failure"}') == 1
