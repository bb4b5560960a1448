"""Goods to sell."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from .tables import Product

PRODUCTS = (
    ("Celadon tea bowl", 48_000, 120),
    ("Hanji notebook", 12_500, 800),
    ("Ramie summer shirt", 89_000, 60),
    ("Brass chopsticks, pair", 32_000, 300),
    ("Lacquer box with mother-of-pearl", 245_000, 15),
    ("Barley tea, 500 g", 7_900, 2_000),
    ("Gochujang, 1 kg", 14_900, 1_200),
    ("Folding fan, hand-painted", 27_000, 150),
    ("Quilted cushion", 39_000, 90),
    ("Onggi crock, 10 l", 110_000, 25),
)


async def seed(engine: AsyncEngine) -> int:
    """Fill an empty shop and return how many products were added; a shop that has products is left alone."""
    async with AsyncSession(engine) as session, session.begin():
        if await session.scalar(select(func.count()).select_from(Product)):
            return 0
        session.add_all(Product(name=name, price=price, stock=stock) for name, price, stock in PRODUCTS)
    return len(PRODUCTS)
