"""What became of orders."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from service.shop.domain.order import Status
from service.shop.record import record_action, record_order

from .common import MAX_ID, LoggedIn, OrderId, Partner, TheShop, address_of, problems
from .schemas import OrderList, OrderRead, PaymentBody, Review

router = APIRouter(prefix="/v1/orders", tags=["orders"], responses=problems(401, 422))


@router.get("")
async def list_orders(
    shop: TheShop,
    login: LoggedIn,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
) -> OrderList:
    """Return one's own orders, the newest first, a page at a time."""
    orders = [OrderRead.of(order) for order in await shop.orders.of_user(login.user_id, limit, before)]
    return OrderList(orders=orders, next=orders[-1].id if len(orders) == limit else None)


@router.get("/{order_id}", responses=problems(404))
async def get_order(shop: TheShop, login: LoggedIn, order_id: OrderId) -> OrderRead:
    """Return one of one's own orders; somebody else's does not exist."""
    return OrderRead.of(await shop.orders.find(order_id, login.user_id))


@router.post("/{order_id}/pay", responses=problems(402, 403, 404, 409, 429))
async def pay_order(
    request: Request, shop: TheShop, login: LoggedIn, order_id: OrderId, payment: PaymentBody
) -> OrderRead:
    """Pay a pending order: with another card, which is judged anew, or with the code that the bank has sent."""
    record_action("pay")
    attempt = payment.attempt(address_of(request), login.country)
    await shop.checkout.pay(login, await shop.orders.find(order_id, login.user_id), attempt, payment.code)
    return OrderRead.of(await shop.orders.find(order_id, login.user_id))


@router.post("/{order_id}/cancel", responses=problems(404, 409))
async def cancel_order(shop: TheShop, login: LoggedIn, order_id: OrderId) -> OrderRead:
    """Cancel an order that is not on its way yet; what was paid is paid back."""
    record_action("cancel")
    await shop.checkout.cancel(await shop.orders.find(order_id, login.user_id))
    return OrderRead.of(await shop.orders.find(order_id, login.user_id))


@router.post("/{order_id}/ship", responses=problems(404, 409))
async def ship_order(shop: TheShop, _: Partner, order_id: OrderId) -> OrderRead:
    """Note that an order is on its way. For partners."""
    return await _advance(shop, order_id, "shipped")


@router.post("/{order_id}/deliver", responses=problems(404, 409))
async def deliver_order(shop: TheShop, _: Partner, order_id: OrderId) -> OrderRead:
    """Note that an order has arrived. For partners."""
    return await _advance(shop, order_id, "delivered")


@router.post("/{order_id}/review", responses=problems(404, 409))
async def review_order(shop: TheShop, _: Partner, order_id: OrderId, review: Review) -> OrderRead:
    """Release an order that was held, to be paid by its buyer, or cancel it. For partners."""
    await shop.checkout.review(await shop.orders.find(order_id), release=review.release)
    return OrderRead.of(await shop.orders.find(order_id))


async def _advance(shop: TheShop, order_id: int, status: Status) -> OrderRead:
    await shop.orders.advance(order_id, status)
    record_order(status)
    return OrderRead.of(await shop.orders.find(order_id))
