"""Cleaning up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import FastAPI

from service.shop.expiry import Expiry
from tests.asgi import request

from .clients import DECLINED_CARD, GOOD_CARD, PARTNER, Buyer, buyer, stock


async def test_what_nobody_pays_goes_back_after_half_an_hour(app: FastAPI, kim: Buyer) -> None:
    """Not before; what is paid or under review stays."""
    before = await stock(app)
    paid = (await kim.check_out((2, 1))).json()["id"]
    lee = await buyer(app, "lee")
    declined = await lee.check_out((1, 3), card_number=DECLINED_CARD, device="d2")
    unpaid = declined.json()["detail"]["order_id"]
    for engine in ("rules", "model", "threats"):
        await request(app, f"/v1/engines/{engine}/fault", "PUT", json_body={"error": True})
    held = (await kim.check_out((3, 1))).json()["id"]
    expiry = Expiry(app.state.shop.orders, app.state.shop.sessions)
    now = datetime.now(UTC)
    assert await expiry.clean_up(now + timedelta(minutes=29)) == 0
    assert await expiry.clean_up(now + timedelta(minutes=31)) == 1
    found = [await app.state.shop.orders.find(order) for order in (paid, unpaid, held)]
    assert [order.status for order in found] == ["processing", "cancelled", "pending"]
    assert (found[1].outcome, await stock(app)) == ("expired", before)


async def test_what_a_person_has_released_has_a_week(app: FastAPI, kim: Buyer) -> None:
    """The review may have taken longer than half an hour."""
    for engine in ("rules", "model", "threats"):
        await request(app, f"/v1/engines/{engine}/fault", "PUT", json_body={"error": True})
    held = (await kim.check_out((3, 1))).json()["id"]
    await kim.ask("POST", f"/v1/orders/{held}/review", {"release": True}, **PARTNER)
    expiry = Expiry(app.state.shop.orders, app.state.shop.sessions)
    now = datetime.now(UTC)
    assert await expiry.clean_up(now + timedelta(days=6)) == 0
    assert await expiry.clean_up(now + timedelta(days=8)) == 1
    late = await kim.ask("POST", f"/v1/orders/{held}/pay", {"card_number": GOOD_CARD})
    assert (late.status, late.json()["error_code"]) == (409, 416)
