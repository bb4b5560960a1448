"""Buying something, and everything that can go wrong with it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from tests.asgi import Result, request

GOOD_CARD, DECLINED_CARD = "4242424242424242", "4000000000000002"


async def order(app: FastAPI, product_id: int = 1, quantity: int = 1) -> Result:
    """Place an order of one product."""
    return await request(
        app, "/v1/orders", "POST", json_body={"items": [{"product_id": product_id, "quantity": quantity}]}
    )


async def pay(app: FastAPI, order_id: int, **changes: Any) -> Result:
    """Pay an order."""
    body = {"method": "card", "card_number": GOOD_CARD, **changes}
    return await request(app, f"/v1/orders/{order_id}/pay", "POST", json_body=body)


async def stock(app: FastAPI, product_id: int = 1) -> int:
    """Return what is left of a product."""
    left: int = (await request(app, f"/v1/products/{product_id}")).json()["stock"]
    return left


async def test_products_come_in_pages(app: FastAPI) -> None:
    """Each page names the next; the last names none."""
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = (await request(app, f"/v1/products?limit=4&after={after}")).json()
        seen += [product["id"] for product in page["products"]]
        after = page["next"]
    assert seen == list(range(1, 11))


async def test_an_order_takes_from_stock_and_is_paid_by_card(app: FastAPI) -> None:
    """Amounts are whole KRW; of the card only the last four digits stay."""
    before = await stock(app)
    placed = (await order(app, 1, 2)).json()
    assert (placed["status"], placed["total"], await stock(app)) == ("pending", 96_000, before - 2)
    assert placed["lines"] == [{"product_id": 1, "quantity": 2, "price": 48_000}]
    paid = await pay(app, placed["id"], instalments=3)
    assert paid.json() == {
        "order_id": placed["id"],
        "amount": 96_000,
        "method": "card",
        "last_four": "4242",
        "instalments": 3,
        "monthly": 32_000,
    }
    assert (await request(app, f"/v1/orders/{placed['id']}")).json()["status"] == "processing"


async def test_a_product_named_twice_counts_with_the_sum(app: FastAPI) -> None:
    """One line for each product."""
    items = [{"product_id": 2, "quantity": 1}, {"product_id": 2, "quantity": 4}]
    placed = (await request(app, "/v1/orders", "POST", json_body={"items": items})).json()
    assert [line["quantity"] for line in placed["lines"]] == [5]


async def test_an_order_is_all_or_nothing(app: FastAPI) -> None:
    """What was taken for it goes back."""
    before = await stock(app)
    items = [{"product_id": 1, "quantity": 1}, {"product_id": 5, "quantity": 1000}]
    result = await request(app, "/v1/orders", "POST", json_body={"items": items})
    assert (result.status, await stock(app)) == (409, before)


async def test_stock_is_never_oversold(app: FastAPI) -> None:
    """However many buy the last pieces at once."""
    results = await asyncio.gather(*(order(app, 5) for _ in range(25)))
    assert sorted(result.status for result in results) == [201] * 15 + [409] * 10
    assert await stock(app, 5) == 0


async def test_an_order_is_paid_once(app: FastAPI) -> None:
    """However often the button is pressed."""
    order_id = (await order(app)).json()["id"]
    results = await asyncio.gather(*(pay(app, order_id) for _ in range(5)))
    assert sorted(result.status for result in results) == [200, 409, 409, 409, 409]


async def test_a_declined_payment_leaves_the_order_open(app: FastAPI) -> None:
    """It can be paid with another card."""
    order_id = (await order(app)).json()["id"]
    result = await pay(app, order_id, card_number=DECLINED_CARD)
    assert (result.status, result.json()["error_code"]) == (402, 601)
    assert result.json()["detail"] == {"reason": "card_declined"}
    assert (await pay(app, order_id)).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/products/999", None, 404, 301),
        ("GET", "/v1/orders/999", None, 404, 302),
        ("POST", "/v1/orders/999/pay", {"card_number": GOOD_CARD}, 404, 302),
        ("POST", "/v1/orders", {"items": [{"product_id": 999, "quantity": 1}]}, 404, 301),
        ("POST", "/v1/orders", {"items": [{"product_id": 1, "quantity": 100_000}]}, 409, 411),
        ("POST", "/v1/orders", {"items": [{"product_id": 1, "quantity": -1}]}, 422, 499),
        ("POST", "/v1/orders", {"items": []}, 422, 499),
        ("POST", "/v1/orders", {}, 422, 499),
        ("GET", "/v1/products/99999999999999999999", None, 422, 499),
        ("GET", "/v1/products?limit=0", None, 422, 499),
        ("POST", "/v1/orders/1/pay", {"card_number": "12"}, 422, 499),
        ("DELETE", "/v1/products", None, 405, 399),
    ],
)
async def test_a_mistake_is_answered_with_its_code(
    app: FastAPI, method: str, path: str, body: Any, status: int, code: int
) -> None:
    """Of the catalogue."""
    result = await request(app, path, method, json_body=body)
    assert (result.status, result.json()["error_code"]) == (status, code)


@pytest.mark.parametrize(("card", "reason"), [("4000000000009995", "insufficient_funds"), ("4" * 16, "invalid_number")])
async def test_the_issuer_says_why(app: FastAPI, card: str, reason: str) -> None:
    """In the detail."""
    order_id = (await order(app)).json()["id"]
    assert (await pay(app, order_id, card_number=card)).json()["detail"] == {"reason": reason}


async def test_instalments_are_checked_until_the_fault_is_on(app: FastAPI) -> None:
    """Then the bug that the check had hidden comes out as an unhandled error."""
    order_id = (await order(app)).json()["id"]
    result = await pay(app, order_id, instalments=0)
    assert (result.status, result.json()["error_code"]) == (409, 412)
    switched = await request(app, "/v1/faults/instalment-bug", "PUT", json_body={"active": True})
    assert switched.json() == {"instalment-bug": True}
    result = await pay(app, order_id, instalments=0)
    assert (result.status, result.json()["error_code"]) == (500, 599)
    assert isinstance(result.exception, ZeroDivisionError)
    await request(app, "/v1/faults/instalment-bug", "PUT", json_body={"active": False})
    assert (await request(app, "/v1/faults")).json() == {"instalment-bug": False}
    assert (await pay(app, order_id, instalments=0)).status == 409


async def test_a_fault_that_is_not_known_is_named(app: FastAPI) -> None:
    """With those that are."""
    result = await request(app, "/v1/faults/fire", "PUT", json_body={"active": True})
    assert (result.status, "instalment-bug" in result.json()["message"]) == (404, True)


async def test_messages_are_also_in_korean(app: FastAPI) -> None:
    """The shop's home."""
    result = await request(app, "/v1/products/999", headers={"accept-language": "ko-KR"})
    assert result.json()["message"] == "상품을 찾을 수 없습니다"
