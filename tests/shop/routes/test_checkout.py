"""Buying something, and everything that can go wrong with it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text, update

from service.shop.domain.fraud import FraudCheck, PaymentFacts, Verdict
from service.shop.tables import User
from tests.asgi import request
from tests.shop.clients import DECLINED_CARD, GOOD_CARD, PARTNER, Buyer, buyer, sample, stock


async def test_a_checkout_takes_from_stock_and_is_paid(app: FastAPI, kim: Buyer) -> None:
    """Amounts are whole KRW."""
    before = await stock(app)
    result = await kim.check_out((1, 2))
    order = result.json()
    assert (result.status, order["status"], order["outcome"], order["total"]) == (201, "processing", "approved", 96_000)
    assert order["lines"] == [{"product_id": 1, "quantity": 2, "price": 48_000}]
    assert await stock(app) == before - 2
    assert (await kim.ask("GET", f"/v1/orders/{order['id']}")).json() == order
    assert await app.state.shop.orders.balance() == {"issuer": 96_000, "sales": -96_000}


async def test_the_cart_is_bought_and_emptied(app: FastAPI, kim: Buyer) -> None:
    """Quantities are set, not added."""
    await kim.ask("PUT", "/v1/cart/items", {"product_id": 2, "quantity": 5})
    await kim.ask("PUT", "/v1/cart/items", {"product_id": 2, "quantity": 3})
    await kim.ask("PUT", "/v1/cart/items", {"product_id": 1, "quantity": 1})
    await kim.ask("DELETE", "/v1/cart/items/1")
    assert (await kim.ask("GET", "/v1/cart/items")).json() == {"items": [{"product_id": 2, "quantity": 3}]}
    assert (await kim.check_out()).json()["total"] == 37_500
    assert (await kim.ask("GET", "/v1/cart/items")).json() == {"items": []}
    result = await kim.check_out()
    assert (result.status, result.json()["error_code"]) == (409, 415)


async def test_a_product_named_twice_counts_with_the_sum(kim: Buyer) -> None:
    """One line for each product."""
    order = (await kim.check_out((2, 1), (2, 4))).json()
    assert [line["quantity"] for line in order["lines"]] == [5]


async def test_a_checkout_is_all_or_nothing(app: FastAPI, kim: Buyer) -> None:
    """What was taken for it goes back."""
    before = await stock(app)
    result = await kim.check_out((1, 1), (5, 1000))
    assert (result.status, result.json()["error_code"], await stock(app)) == (409, 411, before)
    assert result.json()["detail"] == {"product_id": 5, "ordered": 1000, "stock": 15}


async def test_stock_is_never_oversold(app: FastAPI, kim: Buyer) -> None:
    """However many buy the last pieces at once."""
    buyers = [await buyer(app, f"b{number}") for number in range(25)]
    results = await asyncio.gather(*(one.check_out((5, 1), device=f"d{n}") for n, one in enumerate(buyers)))
    taken = [result for result in results if result.status in (201, 202)]
    assert (len(taken), {result.status for result in results if result not in taken}) == (15, {409})
    assert await stock(app, 5) == 0


async def test_the_same_key_finds_the_same_order(app: FastAPI, kim: Buyer) -> None:
    """It is charged once, however often it is sent."""
    first = await kim.check_out((1, 1), key="k1")
    second = await kim.check_out((1, 1), key="k1")
    assert (second.status, second.json()) == (first.status, first.json())
    assert (await app.state.shop.orders.balance())["issuer"] == 48_000


async def test_the_same_key_at_once_is_one_order(app: FastAPI, kim: Buyer) -> None:
    """Who comes second is told to wait."""
    results = await asyncio.gather(*(kim.check_out((1, 1), key="k1") for _ in range(8)))
    codes = [result.json().get("error_code") for result in results if result.status != 201]
    assert set(codes) <= {414}
    assert len({result.json()["id"] for result in results if result.status == 201}) == 1
    assert await sample(app, 'ecommerce_orders_total{status="pending"}') == 1


async def test_a_key_finds_its_order_also_with_something_new_in_the_cart(kim: Buyer) -> None:
    """Which stays there for the next checkout."""
    await kim.ask("PUT", "/v1/cart/items", {"product_id": 2, "quantity": 5})
    first = await kim.check_out(key="k1")
    await kim.ask("PUT", "/v1/cart/items", {"product_id": 3, "quantity": 1})
    again = await kim.check_out(key="k1")
    assert (again.status, again.json()["id"]) == (201, first.json()["id"])
    assert (await kim.ask("GET", "/v1/cart/items")).json() == {"items": [{"product_id": 3, "quantity": 1}]}


async def test_the_cart_is_bought_once_with_one_key(kim: Buyer) -> None:
    """Also when the answer was lost after the cart had been emptied."""
    await kim.ask("PUT", "/v1/cart/items", {"product_id": 2, "quantity": 5})
    first = await kim.check_out(key="k1")
    assert (await kim.check_out(key="k1")).json() == first.json()


@pytest.mark.parametrize(
    ("quantity", "changes"),
    [
        (2, {}),
        (1, {"instalments": 3}),
        (1, {"payment_method": "bank_transfer"}),
        (1, {"card_number": "5555555555554444"}),
    ],
)
async def test_a_key_of_another_checkout_is_refused(kim: Buyer, quantity: int, changes: dict[str, Any]) -> None:
    """It was meant for something else, or to be paid in another way."""
    await kim.check_out((1, 1), key="k1")
    result = await kim.check_out((1, quantity), key="k1", **changes)
    assert (result.status, result.json()["error_code"]) == (422, 413)


async def test_keys_of_others_are_their_own(app: FastAPI, kim: Buyer) -> None:
    """Two buyers may choose the same."""
    lee = await buyer(app, "lee")
    mine, theirs = await kim.check_out((1, 1), key="k1"), await lee.check_out((1, 1), key="k1", device="d2")
    assert mine.json()["id"] != theirs.json()["id"]


async def test_a_checkout_that_broke_off_goes_on(app: FastAPI, kim: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process died after the order was written; the client asks again with the same key."""
    first = (await kim.check_out((1, 1), key="k1")).json()
    async with app.state.resources.engine.begin() as connection:
        for undo in (
            "DELETE FROM payments",
            "DELETE FROM ledger_entries",
            "UPDATE orders SET status = 'pending', outcome = NULL",
        ):
            await connection.execute(text(undo))
    result = await kim.check_out((1, 1), key="k1")
    assert (result.status, result.json()["error_code"], result.headers["retry-after"]) == (409, 414, "1")
    monkeypatch.setattr("service.shop.checkout.checkout.RUNNING", 0.0)
    again = await kim.check_out((1, 1), key="k1")
    assert (again.status, again.json()["id"], again.json()["status"]) == (201, first["id"], "processing")
    assert await app.state.shop.orders.balance() == {"issuer": 48_000, "sales": -48_000}


async def test_a_declined_card_leaves_the_order_open(app: FastAPI, kim: Buyer) -> None:
    """It can be paid with another one, once."""
    declined = await kim.check_out((1, 1), key="k1", card_number=DECLINED_CARD)
    assert (declined.status, declined.json()["error_code"]) == (402, 601)
    assert declined.json()["detail"]["reason"] == "card_declined"
    assert (await kim.check_out((1, 1), key="k1", card_number=DECLINED_CARD)).status == 402
    order = declined.json()["detail"]["order_id"]
    pay = f"/v1/orders/{order}/pay"
    other = {"card_number": GOOD_CARD, "device": "d1"}
    results = await asyncio.gather(*(kim.ask("POST", pay, other) for _ in range(5)))
    assert sorted(result.status for result in results) == [200, 409, 409, 409, 409]
    assert (await app.state.shop.orders.balance())["issuer"] == 48_000


@pytest.mark.parametrize(("card", "reason"), [("4000000000009995", "insufficient_funds"), ("4" * 16, "invalid_number")])
async def test_the_issuer_says_why(kim: Buyer, card: str, reason: str) -> None:
    """In the detail."""
    assert (await kim.check_out((1, 1), card_number=card)).json()["detail"]["reason"] == reason


async def test_a_listed_device_is_refused_and_the_order_cancelled(app: FastAPI, kim: Buyer) -> None:
    """Its goods go back; asking again changes nothing."""
    before = await stock(app)
    result = await kim.check_out((1, 1), key="k1", device="stolen-phone")
    assert (result.status, result.json()["error_code"]) == (403, 603)
    assert (await kim.check_out((1, 1), key="k1", device="stolen-phone")).status == 403
    order = (await kim.ask("GET", f"/v1/orders/{result.json()['detail']['order_id']}")).json()
    assert (order["status"], order["outcome"], await stock(app)) == ("cancelled", "blocked", before)


async def test_a_doubtful_payment_asks_for_the_banks_code(kim: Buyer) -> None:
    """Without it nothing is charged."""
    doubtful = await kim.check_out((1, 1), card_country="US")
    assert (doubtful.status, doubtful.json()["outcome"]) == (202, "additional_auth")
    pay = f"/v1/orders/{doubtful.json()['id']}/pay"
    for code in (None, "123456"):
        result = await kim.ask("POST", pay, {"card_number": GOOD_CARD, "code": code})
        assert (result.status, result.json()["error_code"]) == (403, 604)
    paid = await kim.ask("POST", pay, {"card_number": GOOD_CARD, "code": "000000"})
    assert (paid.status, paid.json()["status"]) == (200, "processing")


async def test_asking_twice_does_not_save_the_banks_code(kim: Buyer) -> None:
    """What waits for a code is no habit: the second attempt is no less doubtful than the first."""
    tries = [await kim.check_out((1, 1), card_country="US") for _ in range(3)]
    assert (tries[0].status, tries[0].json()["outcome"]) == (202, "additional_auth")
    assert 201 not in {result.status for result in tries}


async def test_the_banks_code_is_not_guessed(app: FastAPI, kim: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five wrong codes are enough for a quarter of an hour, also spread over orders; the right one is late then."""
    monkeypatch.setattr(app.state.shop.checkout, "_fraud", Doubtful())
    orders = [(await kim.check_out((1, 1))).json()["id"] for _ in range(2)]
    statuses = [
        (await kim.ask("POST", f"/v1/orders/{orders[number % 2]}/pay", {"card_number": GOOD_CARD, "code": code})).status
        for number, code in enumerate(["123456"] * 5 + ["000000"])
    ]
    assert statuses == [403] * 5 + [429]
    lee = await buyer(app, "lee")
    doubtful = (await lee.check_out((1, 1))).json()["id"]
    paid = await lee.ask("POST", f"/v1/orders/{doubtful}/pay", {"card_number": GOOD_CARD, "code": "000000"})
    assert paid.status == 200


async def test_a_code_is_asked_again_after_the_card_was_declined(kim: Buyer) -> None:
    """It let that attempt through, and no other."""
    order = (await kim.check_out((1, 1), card_number=DECLINED_CARD, card_country="US")).json()["id"]
    pay = f"/v1/orders/{order}/pay"
    declined = await kim.ask("POST", pay, {"card_number": DECLINED_CARD, "code": "000000"})
    assert (declined.status, declined.json()["error_code"]) == (402, 601)
    assert (await kim.ask("POST", pay, {"card_number": GOOD_CARD})).json()["error_code"] == 604
    assert (await kim.ask("POST", pay, {"card_number": GOOD_CARD, "code": "000000"})).status == 200


async def declined_order(one: Buyer) -> str:
    """Return the path of an order whose card was declined."""
    result = await one.check_out((1, 1), card_number=DECLINED_CARD)
    return f"/v1/orders/{result.json()['detail']['order_id']}"


async def test_another_card_that_is_listed_is_refused(app: FastAPI, kim: Buyer) -> None:
    """The order is cancelled, as in a checkout."""
    before = await stock(app)
    order = await declined_order(kim)
    result = await kim.ask("POST", f"{order}/pay", {"card_number": GOOD_CARD, "device": "stolen-phone"})
    assert (result.status, result.json()["error_code"]) == (403, 603)
    found = (await kim.ask("GET", order)).json()
    assert (found["status"], found["outcome"], await stock(app)) == ("cancelled", "blocked", before)


class Doubtful(FraudCheck):
    """A fraud check that wants the bank's code for everything.

    Attributes:
        asked: the payments it was asked about.
    """

    def __init__(self) -> None:
        self.asked: list[PaymentFacts] = []

    async def evaluate(self, facts: PaymentFacts) -> Verdict:
        """Doubt."""
        self.asked.append(facts)
        return Verdict("additional_auth")


async def test_the_fraud_check_is_told_the_facts(app: FastAPI, kim: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's age in days, a fingerprint and no card number, and where the buyer is at home."""
    async with app.state.resources.engine.begin() as connection:
        await connection.execute(update(User).values(created_at=datetime.now(UTC) - timedelta(days=3)))
    kim = await buyer(app)
    fraud = Doubtful()
    monkeypatch.setattr(app.state.shop.checkout, "_fraud", fraud)
    order = (await kim.check_out((2, 2), card_country="US")).json()["id"]
    facts = fraud.asked[0]
    assert facts.account_age_days == pytest.approx(3, abs=0.01)
    assert (facts.transaction_id, facts.user_id, facts.amount) == (f"order-{order}", "1", 25_000)
    assert (facts.device, facts.country, facts.card_country) == ("d1", "KR", "US")
    assert GOOD_CARD not in repr(facts)


async def test_another_card_that_is_doubtful_needs_the_banks_code(
    app: FastAPI, kim: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the code is right nobody asks again."""
    order = await declined_order(kim)
    monkeypatch.setattr(app.state.shop.checkout, "_fraud", Doubtful())
    for code, status, error in ((None, 403, 604), ("123456", 403, 604), ("000000", 200, None)):
        result = await kim.ask("POST", f"{order}/pay", {"card_number": GOOD_CARD, "code": code})
        assert (result.status, result.json().get("error_code")) == (status, error)
    assert await sample(app, 'ecommerce_transactions_total{status="additional_auth"}') == 1


async def test_another_card_has_a_decision_of_its_own(app: FastAPI, kim: Buyer) -> None:
    """So whoever tries many is seen to; the same card again is no news."""
    order = await declined_order(kim)
    for card in ("4000000000009995", "4000000000009995", GOOD_CARD):
        await kim.ask("POST", f"{order}/pay", {"card_number": card, "device": "d1"})
    await app.state.fraud_detection._decisions._write()
    async with app.state.resources.engine.connect() as connection:
        found = (await connection.execute(text("SELECT transaction_id FROM fraud_decisions"))).scalars().all()
    assert sorted(len(name.split("-")) for name in found) == [2, 3, 3]


async def test_another_card_may_have_to_wait_for_a_person(app: FastAPI, kim: Buyer) -> None:
    """Who releases the order releases it for whatever card."""
    order = await declined_order(kim)
    for engine in ("rules", "model", "threats"):
        await request(app, f"/v1/engines/{engine}/fault", "PUT", json_body={"error": True})
    other = {"card_number": GOOD_CARD, "device": "d1"}
    result = await kim.ask("POST", f"{order}/pay", other)
    assert (result.status, result.json()["error_code"]) == (409, 605)
    await kim.ask("POST", f"{order}/review", {"release": True}, **PARTNER)
    assert (await kim.ask("POST", f"{order}/pay", other)).status == 200


async def test_an_order_that_is_held_waits_for_a_person(app: FastAPI, kim: Buyer) -> None:
    """Released, its buyer can pay it; refused, it is cancelled."""
    for engine in ("rules", "model", "threats"):
        await request(app, f"/v1/engines/{engine}/fault", "PUT", json_body={"error": True})
    held, refused = await kim.check_out((1, 1)), await kim.check_out((1, 1))
    assert (held.status, held.json()["status"], held.json()["review"]) == (202, "pending", True)
    order, other = held.json()["id"], refused.json()["id"]
    result = await kim.ask("POST", f"/v1/orders/{order}/pay", {"card_number": GOOD_CARD})
    assert (result.status, result.json()["error_code"]) == (409, 605)
    assert (await kim.ask("POST", f"/v1/orders/{order}/review", {"release": True})).status == 401
    await kim.ask("POST", f"/v1/orders/{order}/review", {"release": True}, **PARTNER)
    paid = await kim.ask("POST", f"/v1/orders/{order}/pay", {"card_number": GOOD_CARD})
    assert paid.json()["status"] == "processing"
    cancelled = await kim.ask("POST", f"/v1/orders/{other}/review", {"release": False}, **PARTNER)
    assert cancelled.json()["status"] == "cancelled"
    again = await kim.ask("POST", f"/v1/orders/{other}/review", {"release": True}, **PARTNER)
    assert again.json()["error_code"] == 416


async def test_an_order_whose_checkout_is_under_way_is_not_paid_beside_it(app: FastAPI, kim: Buyer) -> None:
    """Nobody knows yet what the fraud check says."""
    order = (await kim.check_out((1, 1), card_country="US")).json()["id"]
    async with app.state.resources.engine.begin() as connection:
        await connection.execute(text("UPDATE orders SET outcome = NULL"))
    result = await kim.ask("POST", f"/v1/orders/{order}/pay", {"card_number": GOOD_CARD, "code": "000000"})
    assert (result.status, result.json()["error_code"], result.headers["retry-after"]) == (409, 414, "1")


async def test_an_order_of_billions_is_judged_kept_and_labelled(app: FastAPI, kim: Buyer) -> None:
    """Money has 64 bits everywhere."""
    async with app.state.resources.engine.begin() as connection:
        await connection.execute(text("UPDATE products SET price = 2000000000 WHERE id = 1"))
    result = await kim.check_out((1, 3))
    order = result.json().get("id") or result.json()["detail"]["order_id"]
    assert (await kim.ask("GET", f"/v1/orders/{order}")).json()["total"] == 6_000_000_000
    label = {"transaction_id": f"order-{order}", "fraud": False}
    assert (await kim.ask("POST", "/v1/feedback", label, **PARTNER)).status == 200


async def test_instalments_are_checked_until_the_fault_is_on(app: FastAPI, kim: Buyer) -> None:
    """Then the bug that the check had hidden comes out as an unhandled error."""
    result = await kim.check_out((1, 1), instalments=0)
    assert (result.status, result.json()["error_code"]) == (409, 412)
    switched = await request(app, "/v1/faults/instalment-bug", "PUT", json_body={"active": True})
    assert switched.json() == {"instalment-bug": True}
    result = await kim.check_out((1, 1), instalments=0)
    assert (result.status, result.json()["error_code"]) == (500, 599)
    assert isinstance(result.exception, ZeroDivisionError)
    await request(app, "/v1/faults/instalment-bug", "PUT", json_body={"active": False})
    assert (await request(app, "/v1/faults")).json() == {"instalment-bug": False}
    assert (await kim.check_out((1, 1), instalments=0)).status == 409


@pytest.mark.parametrize(
    ("changes", "headers", "field"),
    [
        ({"items": [{"product_id": 1, "quantity": -1}]}, {}, "quantity"),
        ({"items": [{"product_id": 1, "quantity": 0}]}, {}, "quantity"),
        ({"items": [{"product_id": "1; DROP TABLE orders", "quantity": 1}]}, {}, "product_id"),
        ({"card_number": "12"}, {}, "card_number"),
        ({"card_number": "4242 4242 4242 4242"}, {}, "card_number"),
        ({"country": "Korea"}, {}, "country"),
        ({"device": "'; --"}, {}, "device"),
        ({"discount": 100}, {}, "discount"),
        ({}, {"Idempotency-Key": "x" * 65}, "idempotency-key"),
        ({}, {"Idempotency-Key": ""}, "idempotency-key"),
    ],
)
async def test_a_mistake_is_named_and_nothing_is_ordered(
    app: FastAPI, kim: Buyer, changes: dict[str, Any], headers: dict[str, str], field: str
) -> None:
    """And no card number is repeated."""
    body = {"items": [{"product_id": 1, "quantity": 1}], "card_number": GOOD_CARD, **changes}
    result = await kim.ask("POST", "/v1/checkout", body, **{"Idempotency-Key": "k1", **headers})
    assert (result.status, result.json()["error_code"]) == (422, 499)
    assert field in result.text.lower()
    assert GOOD_CARD not in result.text
    assert await sample(app, 'ecommerce_orders_total{status="pending"}') == 0


async def test_a_fault_in_counting_costs_no_order(kim: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telemetry is not worth a sale."""
    monkeypatch.setattr("service.shop.metrics.ShopMetrics.record_order", None)
    monkeypatch.setattr("service.shop.metrics.ShopMetrics.record_transaction", None)
    assert (await kim.check_out((1, 1))).status == 201
