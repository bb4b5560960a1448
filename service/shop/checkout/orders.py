"""Orders in the database: stock never goes below zero, money always adds up, and each state is reached once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database_access import Database
from service.shop.domain.ledger import Entry, charge, refund
from service.shop.domain.order import BEFORE, Outcome, Status
from service.shop.errors import OrderAlreadyPaid, OutOfStock, UnknownOrder, UnknownProduct, WrongState
from service.shop.tables import LedgerEntry, Order, OrderLine, Payment, Product

from .payments import Card


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
        try:
            async with self._database() as session, session.begin():
                # Orders are locked before products, and products in the order of their ids, here as everywhere: so no
                # two transactions can wait for each other.
                order = Order(user_id=user_id, idempotency_key=key, request_digest=digest, total=0, lines=[])
                session.add(order)
                await session.flush()
                for product in sorted(quantities):
                    order.lines.append(await _take(session, product, quantities[product]))
                order.total = sum(line.price * line.quantity for line in order.lines)
                await session.flush()
                session.expunge_all()
                return order, True
        except IntegrityError:  # somebody was quicker with this key
            found = await self.by_key(user_id, key)
            if found is None:
                raise
            return found, False

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

    async def settle(self, order_id: int, outcome: Outcome) -> bool:
        """Note what became of the check of a pending order; False when it is not pending any more."""
        async with self._database() as session, session.begin():
            return await _moved(session, order_id, ("pending",), outcome=outcome)

    async def pay(self, order: Order, card: Card) -> Payment:
        """Note that an order is paid, once.

        Raises:
            OrderAlreadyPaid: it is not pending any more.
        """
        payment = Payment(
            order_id=order.id,
            amount=order.total,
            method=card.method,
            last_four=card.number[-4:],
            instalments=card.instalments,
        )
        async with self._database() as session, session.begin():
            if not await _moved(session, order.id, BEFORE["processing"], status="processing", outcome="approved"):
                status = await session.scalar(select(Order.status).where(Order.id == order.id))
                raise OrderAlreadyPaid(detail={"order_id": order.id, "status": status})
            session.add(payment)
            await _book(session, order.id, charge(order.total))
            await session.flush()
            session.expunge_all()
        return payment

    async def advance(self, order_id: int, status: Status) -> None:
        """Bring an order to a state.

        Raises:
            UnknownOrder: there is none.
            WrongState: it is in one from which this can't be reached.
        """
        async with self._database() as session, session.begin():
            if not await _moved(session, order_id, BEFORE[status], status=status):
                await _refuse(session, order_id, status)

    async def cancel(self, order_id: int, outcome: Outcome | None = None) -> Payment | None:
        """Cancel an order: what was taken goes back to stock, and what was paid to who paid it.

        Returns:
            The payment that was paid back, if there was one.

        Raises:
            UnknownOrder: there is none.
            WrongState: it is on its way already, or cancelled.
        """
        changes = {} if outcome is None else {"outcome": outcome}
        async with self._database() as session, session.begin():
            if not await _moved(session, order_id, BEFORE["cancelled"], status="cancelled", **changes):
                await _refuse(session, order_id, "cancelled")
            await _put_back(session, order_id)
            paid = await session.get(Payment, order_id)
            if paid is not None:
                await _book(session, order_id, refund(paid.amount))
        return paid

    async def abandoned(self, before: datetime, limit: int) -> list[int]:
        """Return pending orders that were opened before a time and that nobody reviews."""
        query = (
            select(Order.id)
            .where(Order.status == "pending", Order.created_at < before, Order.outcome.is_distinct_from("review"))
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


async def _take(session: AsyncSession, product_id: int, quantity: int) -> OrderLine:
    # One statement that checks and takes: nobody comes between the two.
    enough = (
        update(Product)
        .where(Product.id == product_id, Product.stock >= quantity)
        .values(stock=Product.stock - quantity)
        .returning(Product.price)
    )
    price = (await session.execute(enough)).scalar_one_or_none()
    if price is None:
        stock = await session.scalar(select(Product.stock).where(Product.id == product_id))
        if stock is None:
            raise UnknownProduct(detail={"product_id": product_id})
        raise OutOfStock(detail={"product_id": product_id, "ordered": quantity, "stock": stock})
    return OrderLine(product_id=product_id, quantity=quantity, price=price)


async def _put_back(session: AsyncSession, order_id: int) -> None:
    query = select(OrderLine.product_id, OrderLine.quantity).where(OrderLine.order_id == order_id)
    for product_id, quantity in (await session.execute(query.order_by(OrderLine.product_id))).all():
        more = update(Product).where(Product.id == product_id).values(stock=Product.stock + quantity)
        await session.execute(more)


async def _moved(session: AsyncSession, order_id: int, before: Sequence[Status], **changes: str) -> bool:
    # The state is part of the condition: of several who try at once, one changes a row.
    changed = update(Order).where(Order.id == order_id, Order.status.in_(before)).values(**changes)
    result = await session.execute(changed.execution_options(synchronize_session=False))
    return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it


async def _refuse(session: AsyncSession, order_id: int, status: Status) -> None:
    now = await session.scalar(select(Order.status).where(Order.id == order_id))
    if now is None:
        raise UnknownOrder(detail={"order_id": order_id})
    raise WrongState(detail={"order_id": order_id, "status": now, "needed": BEFORE[status]})


async def _book(session: AsyncSession, order_id: int, entries: Sequence[Entry]) -> None:
    rows = [{"order_id": order_id, "account": entry.account, "amount": entry.amount} for entry in entries]
    await session.execute(insert(LedgerEntry), rows)
