"""Orders in the database: stock never goes below zero, money always adds up, and each state is reached once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, Update, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.database_access import Database
from service.shop.domain.ledger import Entry, charge, refund
from service.shop.domain.order import BEFORE, Outcome, Status
from service.shop.errors import OrderAlreadyPaid, OutOfStock, UnknownOrder, UnknownProduct, WrongState
from service.shop.tables import LedgerEntry, Order, OrderLine, Payment, Product

from .payments import Card, Method


class Orders:
    """The orders.

    Args:
        database: sessions of the database; each method is a transaction of its own.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def place(self, user_id: int, key: str, digest: str, quantities: Mapping[int, int]) -> tuple[Order, bool]:
        """Take the quantities from stock, all of them or none, and open an order.

        Args:
            user_id: whose it is.
            key: of the checkout; a second one with the same key finds the first one's order.
            digest: of the request, to tell one checkout from another.
            quantities: by product.

        Returns:
            The order, and whether it is new.

        Raises:
            UnknownProduct: one of the products does not exist.
            OutOfStock: one of the quantities is larger than the stock.
        """
        order = Order(user_id=user_id, idempotency_key=key, request_digest=digest, created_at=datetime.now(UTC))
        order.status, order.outcome = "pending", None
        try:
            async with self._database.transaction() as connection:
                # Products in the order of their ids: so no two transactions can wait for each other.
                order.lines = [await _take(connection, product, quantities[product]) for product in sorted(quantities)]
                order.total = sum(line.price * line.quantity for line in order.lines)
                order.id = (await connection.execute(_OPEN, _facts(order, OF_ORDER))).scalar_one()
                for line in order.lines:
                    line.order_id = order.id
                await connection.execute(_LINES, [_facts(line, OF_LINE) for line in order.lines])
        except (IntegrityError, OutOfStock, UnknownProduct):
            found = await self.by_key(user_id, key)  # somebody was quicker with this key, and may have taken the last
            if found is None:
                raise
            return found, False
        return order, True

    async def by_key(self, user_id: int, key: str) -> Order | None:
        """Return the order of a checkout."""
        return await self._one(select(Order).where(Order.user_id == user_id, Order.idempotency_key == key))

    async def find(self, order_id: int, user_id: int | None = None) -> Order:
        """Return an order; with a user, only one of theirs.

        Raises:
            UnknownOrder: there is none, or it is somebody else's: who asks learns no difference.
        """
        query = select(Order).where(Order.id == order_id)
        found = await self._one(query if user_id is None else query.where(Order.user_id == user_id))
        if found is None:
            raise UnknownOrder(detail={"order_id": order_id})
        return found

    async def of_user(self, user_id: int, limit: int, before: int | None) -> list[Order]:
        """Return a user's orders, the newest first, those with smaller ids than `before`."""
        query = select(Order).where(Order.user_id == user_id).order_by(Order.id.desc()).limit(limit)
        async with self._database() as session:
            found = await session.scalars(query if before is None else query.where(Order.id < before))
            return list(found.all())

    async def settle(self, order: Order, outcome: Outcome) -> None:
        """Note what became of the check of a pending order; one that is not pending any more stays what it became."""
        async with self._database.transaction() as connection:
            if await _moved(connection, order.id, ("pending",), outcome=outcome):
                order.outcome = outcome
                return
            now = select(Order.status, Order.outcome).where(Order.id == order.id)
            found = (await connection.execute(now)).one()
            order.status, order.outcome = found.status, found.outcome

    async def pay(self, order: Order, card: Card) -> None:
        """Note that an order is paid, once.

        Raises:
            OrderAlreadyPaid, WrongState: it is not pending any more.
        """
        payment = {
            "order_id": order.id,
            "amount": order.total,
            "method": card.method,
            "last_four": card.number[-4:],
            "instalments": card.instalments,
        }
        async with self._database.transaction() as connection:
            if not await _moved(connection, order.id, BEFORE["processing"], status="processing", outcome="approved"):
                status = await connection.scalar(select(Order.status).where(Order.id == order.id))
                raise not_payable(order.id, status)
            await connection.execute(_PAYMENT, payment)
            await _book(connection, order.id, charge(order.total))
        order.status, order.outcome = "processing", "approved"

    async def advance(self, order_id: int, status: Status) -> None:
        """Bring an order to a state.

        Raises:
            UnknownOrder: there is none.
            WrongState: it is in one from which this can't be reached.
        """
        async with self._database.transaction() as connection:
            if not await _moved(connection, order_id, BEFORE[status], status=status):
                await _refuse(connection, order_id, status)

    async def cancel(self, order_id: int, outcome: Outcome | None = None) -> Method | None:
        """Cancel an order: what was taken goes back to stock, and what was paid to who paid it.

        Args:
            order_id: of the order.
            outcome: why it was not its buyer who cancelled it; then only while it is not paid.

        Returns:
            How the payment was made that was paid back, if there was one.

        Raises:
            UnknownOrder: there is none.
            WrongState: it is on its way already, paid or cancelled.
        """
        changes = {} if outcome is None else {"outcome": outcome}
        before = BEFORE["cancelled"] if outcome is None else ("pending",)
        async with self._database.transaction() as connection:
            if not await _moved(connection, order_id, before, status="cancelled", **changes):
                await _refuse(connection, order_id, "cancelled")
            await _put_back(connection, order_id)
            query = select(Payment.amount, Payment.method).where(Payment.order_id == order_id)
            paid = (await connection.execute(query)).one_or_none()
            if paid is None:
                return None
            await _book(connection, order_id, refund(paid.amount))
            method: Method = paid.method
            return method

    async def abandoned(self, before: datetime, released_before: datetime, limit: int) -> list[int]:
        """Return pending orders that were opened before a time; those under review never, those released later."""
        waits = Order.outcome.is_distinct_from("review") & Order.outcome.is_distinct_from("approved")
        query = (
            select(Order.id)
            .where(
                Order.status == "pending",
                ((Order.created_at < before) & waits)
                | ((Order.created_at < released_before) & (Order.outcome == "approved")),
            )
            .limit(limit)
        )
        async with self._database() as session:
            return list((await session.scalars(query)).all())

    async def balance(self) -> dict[str, int]:
        """Return the balance of each account, in KRW; together they are zero."""
        query = select(LedgerEntry.account, func.sum(LedgerEntry.amount)).group_by(LedgerEntry.account)
        async with self._database() as session:
            return {account: int(amount) for account, amount in (await session.execute(query)).all()}

    async def _one(self, query: Select[Order]) -> Order | None:
        async with self._database() as session:
            return (await session.scalars(query)).one_or_none()


# Made once: to put a statement together takes longer than to send it.
OF_ORDER = ("user_id", "idempotency_key", "request_digest", "status", "total", "created_at")
OF_LINE = ("order_id", "product_id", "quantity", "price")
_OPEN, _LINES = insert(Order).returning(Order.id), insert(OrderLine)
_PAYMENT, _BOOK = insert(Payment), insert(LedgerEntry)
# One statement that checks and takes: nobody comes between the two.
_TAKE = (
    update(Product)
    .where(Product.id == bindparam("product"), Product.stock >= bindparam("wanted"))
    .values(stock=Product.stock - bindparam("wanted"))
    .returning(Product.price)
)


def _facts(row: Order | OrderLine, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


async def _take(connection: AsyncConnection, product_id: int, quantity: int) -> OrderLine:
    price = (await connection.execute(_TAKE, {"product": product_id, "wanted": quantity})).scalar_one_or_none()
    if price is None:
        stock = await connection.scalar(select(Product.stock).where(Product.id == product_id))
        if stock is None:
            raise UnknownProduct(detail={"product_id": product_id})
        raise OutOfStock(detail={"product_id": product_id, "ordered": quantity, "stock": stock})
    return OrderLine(product_id=product_id, quantity=quantity, price=price)


async def _put_back(connection: AsyncConnection, order_id: int) -> None:
    query = select(OrderLine.product_id, OrderLine.quantity).where(OrderLine.order_id == order_id)
    for product_id, quantity in (await connection.execute(query.order_by(OrderLine.product_id))).all():
        more = update(Product).where(Product.id == product_id).values(stock=Product.stock + quantity)
        await connection.execute(more)


async def _moved(connection: AsyncConnection, order_id: int, before: tuple[Status, ...], **changes: str) -> bool:
    result = await connection.execute(_move(before), {"order": order_id, **changes})
    return bool(result.rowcount)


@lru_cache
def _move(before: tuple[Status, ...]) -> Update:
    # The state is part of the condition: of several who try at once, one changes a row.
    return update(Order).where(Order.id == bindparam("order"), or_(*(Order.status == status for status in before)))


def not_payable(order_id: int, status: str | None) -> OrderAlreadyPaid | WrongState:
    """Return what a payment of an order that is not pending is answered with."""
    detail = {"order_id": order_id, "status": status}
    return WrongState(detail=detail) if status == "cancelled" else OrderAlreadyPaid(detail=detail)


async def _refuse(connection: AsyncConnection, order_id: int, status: Status) -> None:
    now = await connection.scalar(select(Order.status).where(Order.id == order_id))
    if now is None:
        raise UnknownOrder(detail={"order_id": order_id})
    raise WrongState(detail={"order_id": order_id, "status": now, "needed": BEFORE[status]})


async def _book(connection: AsyncConnection, order_id: int, entries: Sequence[Entry]) -> None:
    rows = [{"order_id": order_id, "account": entry.account, "amount": entry.amount} for entry in entries]
    await connection.execute(_BOOK, rows)
