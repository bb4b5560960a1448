"""Whether goods and money add up, whatever has happened to the servers."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.shop.seed import PRODUCTS

PAID = ("processing", "shipped", "delivered")


async def audit(engine: AsyncEngine) -> dict[str, int]:
    """Check that stock + sold is what it was, that all entries add up to zero, and that each order is charged once.

    Returns:
        How many orders there are in each state.
    """
    async with engine.connect() as connection:
        stocks = (await connection.execute(text("SELECT name, stock FROM products"))).all()
        sold = (
            await connection.execute(
                text(
                    "SELECT p.name, SUM(l.quantity) FROM order_lines l JOIN products p ON p.id = l.product_id"
                    " JOIN orders o ON o.id = l.order_id WHERE o.status <> 'cancelled' GROUP BY p.name"
                )
            )
        ).all()
        booked = "SELECT COALESCE(SUM(amount), 0) FROM ledger_entries e WHERE e.order_id = o.id AND account = 'issuer'"
        payments = "SELECT COUNT(*) FROM payments p WHERE p.order_id = o.id"
        orders = (await connection.execute(text(f"SELECT status, total, ({booked}), ({payments}) FROM orders o"))).all()  # noqa: S608
        balance = (await connection.execute(text("SELECT COALESCE(SUM(amount), 0) FROM ledger_entries"))).scalar_one()
    taken = {str(name): int(quantity) for name, quantity in sold}
    left = {str(name): int(stock) for name, stock in stocks}
    assert {name: left[name] + taken.get(name, 0) for name in left} == {name: stock for name, _, stock in PRODUCTS}
    assert balance == 0
    states: dict[str, int] = {}
    for status, total, charged, times in orders:
        states[status] = states.get(status, 0) + 1
        assert charged == (total if status in PAID else 0), (status, total, charged)
        assert times == 1 or status not in PAID
    return states
