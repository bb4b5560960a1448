"""Carts in the database."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from service.database_access import Database

from .errors import UnknownProduct
from .tables import CartItem

MAX_ITEMS = 50


class Carts:
    """The cart of each user.

    Args:
        database: sessions of the database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def items(self, user_id: int) -> dict[int, int]:
        """Return the quantities by product."""
        query = select(CartItem.product_id, CartItem.quantity).where(CartItem.user_id == user_id)
        async with self._database() as session:
            return {row.product_id: row.quantity for row in (await session.execute(query.limit(MAX_ITEMS))).all()}

    async def put(self, user_id: int, product_id: int, quantity: int) -> None:
        """Set the quantity of a product.

        Raises:
            UnknownProduct: there is none with this id.
        """
        mine = (CartItem.user_id == user_id, CartItem.product_id == product_id)
        try:
            async with self._database() as session, session.begin():
                changed = await session.execute(update(CartItem).where(*mine).values(quantity=quantity))
                if not changed.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result has it
                    session.add(CartItem(user_id=user_id, product_id=product_id, quantity=quantity))
        except IntegrityError:
            if product_id not in await self.items(user_id):
                raise UnknownProduct(detail={"product_id": product_id}) from None
            await self.put(user_id, product_id, quantity)  # another request of this user was quicker

    async def remove(self, user_id: int, product_id: int) -> None:
        """Take a product out; one that is not in is out already."""
        async with self._database() as session, session.begin():
            await session.execute(
                delete(CartItem).where(CartItem.user_id == user_id, CartItem.product_id == product_id)
            )

    async def clear(self, user_id: int) -> None:
        """Take everything out."""
        async with self._database() as session, session.begin():
            await session.execute(delete(CartItem).where(CartItem.user_id == user_id))
