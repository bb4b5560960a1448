"""What is for sale, kept for a few seconds so that browsing costs the database little."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select

from service.database_access import Database

from .cache import SafeCache, understood
from .errors import UnknownProduct
from .tables import Product

KEPT = 10
"""Seconds. A checkout asks the database, so nobody buys what a cache thinks is there."""


@dataclass(frozen=True, slots=True)
class Goods:
    """A product; its price in whole KRW."""

    id: int
    name: str
    price: int
    stock: int


class Catalogue:
    """The products.

    Args:
        database: sessions of the database.
        cache: of products by their id.
    """

    def __init__(self, database: Database, cache: SafeCache) -> None:
        self._database = database
        self._cache = cache

    async def page(self, limit: int, after: int) -> Sequence[Product]:
        """Return products in order of their id, beginning behind `after`."""
        query = select(Product).where(Product.id > after).order_by(Product.id).limit(limit)
        async with self._database() as session:
            return (await session.scalars(query)).all()

    async def find(self, product_id: int) -> Goods:
        """Return a product as it was at most `KEPT` seconds ago.

        Raises:
            UnknownProduct: there is none with this id.
        """
        cached = understood(Goods, await self._cache.get(str(product_id)))
        if cached is not None:
            return cached
        async with self._database() as session:
            product = await session.get(Product, product_id)
        if product is None:
            raise UnknownProduct(detail={"product_id": product_id})
        goods = Goods(product.id, product.name, product.price, product.stock)
        await self._cache.set(str(product_id), json.dumps(asdict(goods)).encode(), KEPT)
        return goods
