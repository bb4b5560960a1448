"""What becomes of orders, and whose they are."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from service.shop.errors import WrongState
from tests.asgi import request
from tests.shop.clients import DECLINED_CARD, PARTNER, Buyer, buyer, sample, stock


async def bought(kim: Buyer) -> int:
    """Return the id of an order that is paid."""
    order: int = (await kim.check_out((1, 1))).json()["id"]
    return order


async def test_orders_of_others_do_not_exist(app: FastAPI, kim: Buyer) -> None:
    """Not to be read, paid or cancelled; who tries learns no difference to one that is not there."""
    order = await bought(kim)
    lee = await buyer(app, "lee")
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/pay")):
        body = {"card_number": "4242424242424242"} if path == "/pay" else None
        theirs = await lee.ask(method, f"/v1/orders/{order}{path}", body)
        nobodys = await lee.ask(method, f"/v1/orders/999{path}", body)
        assert [(answer.status, answer.json()["error_code"]) for answer in (theirs, nobodys)] == [(404, 302)] * 2
    assert (await lee.ask("GET", "/v1/orders")).json() == {"orders": [], "next": None}


async def test_ones_own_orders_come_in_pages(kim: Buyer) -> None:
    """The newest first."""
    ids = [(await kim.check_out((2, number + 1))).json()["id"] for number in range(3)]
    first = (await kim.ask("GET", "/v1/orders?limit=2")).json()
    second = (await kim.ask("GET", f"/v1/orders?limit=2&before={first['next']}")).json()
    assert [order["id"] for order in first["orders"] + second["orders"]] == ids[::-1]
    assert second["next"] is None


async def test_a_paid_order_is_shipped_and_delivered_by_partners(kim: Buyer) -> None:
    """In this order only, and by nobody else."""
    order = f"/v1/orders/{await bought(kim)}"
    assert (await kim.ask("POST", f"{order}/ship")).status == 401
    assert (await kim.ask("POST", f"{order}/ship", **{"X-API-Key": "wrong"})).json()["error_code"] == 204
    early = await kim.ask("POST", f"{order}/deliver", **PARTNER)
    assert (early.status, early.json()["detail"]["status"]) == (409, "processing")
    assert (await kim.ask("POST", f"{order}/ship", **PARTNER)).json()["status"] == "shipped"
    late = await kim.ask("POST", f"{order}/cancel")
    assert (late.status, late.json()["error_code"]) == (409, 416)
    assert (await kim.ask("POST", f"{order}/deliver", **PARTNER)).json()["status"] == "delivered"
    assert (await kim.ask("POST", "/v1/orders/999/ship", **PARTNER)).status == 404


async def test_a_cancelled_order_is_paid_back_once(app: FastAPI, kim: Buyer) -> None:
    """And its goods are for sale again."""
    before = await stock(app)
    order = await bought(kim)
    results = await asyncio.gather(*(kim.ask("POST", f"/v1/orders/{order}/cancel") for _ in range(5)))
    assert sorted(result.status for result in results) == [200, 409, 409, 409, 409]
    assert await stock(app) == before
    assert await app.state.shop.orders.balance() == {"issuer": 0, "sales": 0}
    assert await sample(app, 'ecommerce_payments_total{payment_method="card",status="refunded"}') == 1


async def test_an_unpaid_order_that_is_cancelled_costs_nothing(app: FastAPI, kim: Buyer) -> None:
    """Nothing was charged, nothing is paid back."""
    order = (await kim.check_out((1, 1), card_number=DECLINED_CARD)).json()["detail"]["order_id"]
    assert (await kim.ask("POST", f"/v1/orders/{order}/cancel")).json()["status"] == "cancelled"
    assert await app.state.shop.orders.balance() == {}


async def test_paying_and_cancelling_at_once_ends_in_one_of_both(app: FastAPI) -> None:
    """Never a cancelled order that was charged."""
    for number in range(5):
        one = await buyer(app, f"b{number}")
        declined = await one.check_out((2, 1), card_number=DECLINED_CARD, device=f"d{number}")
        order = declined.json()["detail"]["order_id"]
        await asyncio.gather(
            one.ask("POST", f"/v1/orders/{order}/pay", {"card_number": "4242424242424242"}),
            one.ask("POST", f"/v1/orders/{order}/cancel"),
        )
    async with app.state.resources.engine.connect() as connection:
        paid = "SELECT SUM(amount) FROM ledger_entries e WHERE e.order_id = o.id AND account = 'issuer'"
        query = f"SELECT status, ({paid}) FROM orders o"  # noqa: S608
        found = {tuple(row) for row in (await connection.execute(text(query))).all()}
    assert found <= {("processing", 12_500), ("cancelled", 0), ("cancelled", None)}


async def test_an_order_that_was_paid_in_the_meantime_does_not_expire(app: FastAPI, kim: Buyer) -> None:
    """Nor is it blocked because of another card that was tried beside it."""
    order = await bought(kim)
    for outcome in ("expired", "blocked"):
        with pytest.raises(WrongState):
            await app.state.shop.orders.cancel(order, outcome)
    assert (await kim.ask("GET", f"/v1/orders/{order}")).json()["status"] == "processing"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/products/999", 404, 301),
        ("GET", "/v1/products/99999999999999999999", 422, 499),
        ("GET", "/v1/products/1%20OR%201=1", 422, 499),
        ("GET", "/v1/products?limit=0", 422, 499),
        ("DELETE", "/v1/products", 405, 399),
        ("GET", "/v1/orders/1;DROP", 422, 499),
        ("PUT", "/v1/cart/items", 404, 301),
        ("DELETE", "/v1/cart/items/0", 422, 499),
    ],
)
async def test_a_mistake_is_answered_with_its_code(kim: Buyer, method: str, path: str, status: int, code: int) -> None:
    """Of the catalogue."""
    body = {"product_id": 999, "quantity": 1} if method == "PUT" else None
    result = await kim.ask(method, path, body)
    assert (result.status, result.json()["error_code"]) == (status, code)


async def test_products_come_in_pages(app: FastAPI) -> None:
    """Each page names the next; the last names none."""
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = (await request(app, f"/v1/products?limit=4&after={after}")).json()
        seen += [product["id"] for product in page["products"]]
        after = page["next"]
    assert seen == list(range(1, 11))


async def test_messages_are_also_in_korean(app: FastAPI) -> None:
    """The shop's home."""
    result = await request(app, "/v1/products/999", headers={"accept-language": "ko-KR"})
    assert result.json()["message"] == "상품을 찾을 수 없습니다"


async def test_a_fault_that_is_not_known_is_named(app: FastAPI) -> None:
    """With those that are."""
    result = await request(app, "/v1/faults/fire", "PUT", json_body={"active": True})
    assert (result.status, "instalment-bug" in result.json()["message"]) == (404, True)
