"""Placing orders: stock and money."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from .errors import OutOfStock, UnknownOrder, UnknownProduct
from .tables import Order, OrderLine, Product


async def list_products(session: AsyncSession, limit: int, after: int) -> list[Product]:
    """Return products in order of their id, beginning behind `after`."""
    query = select(Product).where(Product.id > after).order_by(Product.id).limit(limit)
    return list((await session.scalars(query)).all())


async def find_product(session: AsyncSession, product_id: int) -> Product:
    """Return a product, or raise `UnknownProduct`."""
    product = await session.get(Product, product_id)
    if product is None:
        raise UnknownProduct(detail={"product_id": product_id})
    return product


async def find_order(session: AsyncSession, order_id: int) -> Order:
    """Return an order with its lines, or raise `UnknownOrder`."""
    order = await session.get(Order, order_id)
    if order is None:
        raise UnknownOrder(detail={"order_id": order_id})
    return order


async def place_order(session: AsyncSession, quantities: dict[int, int]) -> Order:
    """Take the quantities from stock and return the order; all of them or none.

    Raises:
        UnknownProduct: one of the products does not exist.
        OutOfStock: one of the quantities is larger than the stock.
    """
    async with session.begin():
        # Always in the same order, so that two orders can't wait for each other.
        lines = [await _take(session, product_id, quantities[product_id]) for product_id in sorted(quantities)]
        order = Order(total=sum(line.price * line.quantity for line in lines), lines=lines)
        session.add(order)
        await session.flush()
        await session.refresh(order, ["lines"])
        session.expunge_all()
    return order


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
        product = await find_product(session, product_id)
        raise OutOfStock(detail={"product_id": product_id, "ordered": quantity, "stock": product.stock})
    return OrderLine(product_id=product_id, quantity=quantity, price=price)
