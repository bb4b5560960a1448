"""Buying."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from service.shop.checkout import CheckoutRequest
from service.shop.errors import CartEmpty
from service.shop.record import record_action

from .common import LoggedIn, TheShop, address_of, problems
from .schemas import CheckoutBody, OrderRead, quantities_of

router = APIRouter(prefix="/v1", tags=["checkout"], responses=problems(401, 422))
Key = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


@router.post("/checkout", status_code=201, responses={202: {"model": OrderRead}, **problems(402, 403, 404, 409)})
async def check_out(
    request: Request, response: Response, shop: TheShop, login: LoggedIn, body: CheckoutBody, idempotency_key: Key
) -> OrderRead:
    """Buy the items, or else the cart: order, fraud check, payment.

    201: it is paid. 202: it is pending, and either waits for the bank's code (pay it at `/v1/orders/{order_id}/pay`) or
    for a review. The same key with the same request finds the same order, however often it is sent.
    """
    record_action("checkout")
    before = None if body.items else await shop.checkout.orders.by_key(login.user_id, idempotency_key)
    if body.items:
        quantities = quantities_of(body.items)
    elif before is not None:  # what is in the cart by now is for another checkout
        quantities = {line.product_id: line.quantity for line in before.lines}
    else:
        quantities = await shop.cart.items(login.user_id)
    if not quantities:
        raise CartEmpty
    found = await shop.checkout.run(
        login,
        CheckoutRequest(
            key=idempotency_key,
            quantities=quantities,
            attempt=body.attempt(address_of(request), login.country),
        ),
    )
    if not body.items and before is None:
        await shop.cart.clear(login.user_id)
    if found.status == "pending":
        response.status_code = 202
    return OrderRead.of(found)
