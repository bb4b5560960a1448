"""A past for an empty shop: users, and orders with payments and ledger entries that add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .domain.ledger import Entry, charge, refund
from .domain.order import Outcome, Status
from .tables import LedgerEntry, Order, OrderLine, Payment, Product, User

BATCH = 500
LINES, PIECES = 3, 5
"""How many products an order names, and how many pieces of one it has until its amount is reached otherwise."""
LEFT, REGRETTED, BY_TRANSFER = 0.04, 0.05, 0.1
"""Shares of orders that nobody paid, that were cancelled and paid back, and that were paid by bank transfer."""
PROCESSED, SHIPPED = timedelta(days=1), timedelta(days=4)
"""Ages at which an order is on its way, and at which it has arrived."""


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order to write down: whose it is (the user's place in the list), and how it went."""

    user: int
    at: datetime
    quantities: Mapping[int, int]
    total: int
    decision: str
    fraud: bool


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an order."""

    status: Status
    outcome: Outcome
    paid: bool = False
    refunded: bool = False


def basket(amount: int, prices: Mapping[int, int], chance: Random) -> dict[int, int]:
    """Return products with quantities that are worth about `amount` KRW; always one piece at least."""
    fitting = [product for product, price in prices.items() if price <= amount]
    if not fitting:
        return {min(prices, key=lambda product: prices[product]): 1}
    chosen = sorted(chance.sample(fitting, min(LINES, len(fitting))), key=lambda product: -prices[product])
    quantities, left = {}, amount
    for product in chosen:
        last = product == chosen[-1]
        pieces = left // prices[product]
        if pieces:
            quantities[product] = pieces if last else chance.randint(1, min(pieces, PIECES))
            left -= quantities[product] * prices[product]
    return quantities


def fate_of(order: PastOrder, now: datetime, chance: Random) -> Fate:
    """Return what became of an order, as the checkout and those who review would have had it."""
    age = now - order.at
    if order.decision == "block" or (order.decision == "hold" and order.fraud and age > PROCESSED):
        return Fate("cancelled", "blocked")
    if order.decision == "hold" and age <= PROCESSED:
        return Fate("pending", "review")
    if (order.decision == "additional_auth" and order.fraud) or chance.random() < LEFT:
        return Fate("cancelled", "expired")
    if chance.random() < REGRETTED:
        return Fate("cancelled", "approved", paid=True, refunded=True)
    status: Status = "processing" if age <= PROCESSED else "shipped" if age <= SHIPPED else "delivered"
    return Fate(status, "approved", paid=True)


async def is_used(connection: AsyncConnection) -> bool:
    """Tell whether there are users or orders."""
    found = [await connection.scalar(select(column).limit(1)) for column in (User.id, Order.id)]
    return any(found)


async def prices_of(connection: AsyncConnection) -> dict[int, int]:
    """Return the price of each product, in KRW."""
    rows = await connection.execute(select(Product.id, Product.price).order_by(Product.id))
    return {row.id: row.price for row in rows}


async def add_users(connection: AsyncConnection, users: Sequence[Mapping[str, Any]]) -> list[int]:
    """Add users, as rows of their table, and return their ids in the same order."""
    ids: list[int] = []
    for some in _batches(users):
        ids += await _ids(connection, insert(User).returning(User.id, sort_by_parameter_order=True), some)
    return ids


async def add_orders(
    connection: AsyncConnection,
    users: Sequence[int],
    orders: Sequence[PastOrder],
    now: datetime,
    tell: Callable[[int], None],
) -> list[int]:
    """Add orders and what belongs to them, and return their ids in the same order.

    Stock is left as it is: what was sold in the past has been delivered to the shop since.

    Args:
        connection: in a transaction.
        users: their ids, by place.
        orders: what to write down.
        now: decides how far orders have come.
        tell: is told how many orders there are, now and then.
    """
    chance = Random(len(orders))  # noqa: S311  # chance, not secrecy
    prices, ids = await prices_of(connection), []
    for some in _batches(orders):
        fates = [fate_of(order, now, chance) for order in some]
        rows = [_order_row(users[order.user], order, fate) for order, fate in zip(some, fates, strict=True)]
        new = await _ids(connection, insert(Order).returning(Order.id, sort_by_parameter_order=True), rows)
        lines = [
            {"order_id": order_id, "product_id": product, "quantity": quantity, "price": prices[product]}
            for order_id, order in zip(new, some, strict=True)
            for product, quantity in order.quantities.items()
        ]
        await connection.execute(insert(OrderLine), lines)
        paid = [(number, order, fate) for number, order, fate in zip(new, some, fates, strict=True) if fate.paid]
        if paid:
            await connection.execute(
                insert(Payment), [_payment_row(number, order, chance) for number, order, _ in paid]
            )
            await connection.execute(insert(LedgerEntry), [row for each in paid for row in _ledger_rows(*each)])
        ids += new
        tell(len(ids))
    return ids


async def _ids(connection: AsyncConnection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    return list((await connection.execute(statement, rows)).scalars())


def _batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _order_row(user_id: int, order: PastOrder, fate: Fate) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "status": fate.status,
        "outcome": fate.outcome,
        "total": order.total,
        "created_at": order.at,
    }


def _payment_row(order_id: int, order: PastOrder, chance: Random) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "amount": order.total,
        "method": "bank_transfer" if chance.random() < BY_TRANSFER else "card",
        "last_four": f"{chance.randrange(10_000):04}",
        "instalments": chance.choice((1, 1, 1, 3, 6)) if order.total >= 50_000 else 1,
        "created_at": order.at,
    }


def _ledger_rows(order_id: int, order: PastOrder, fate: Fate) -> Iterator[dict[str, Any]]:
    entries: tuple[Entry, ...] = charge(order.total)
    if fate.refunded:
        entries += refund(order.total)
    for entry in entries:
        yield {"order_id": order_id, "account": entry.account, "amount": entry.amount, "created_at": order.at}
