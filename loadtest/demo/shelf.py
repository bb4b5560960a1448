"""What the shop has, as far as somebody has looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from service.shop.seed_history import basket

PLENTY, LITTLE = 40_000_000, 10_000_000
"""KRW in stock from which on few orders are cancelled, and up to which all are, so that a long demo never sells out."""
FEW = 0.08


class Shelf:
    """Products with prices and stock."""

    def __init__(self) -> None:
        self.products: dict[int, tuple[int, int]] = {}  # price and stock by id

    def see(self, products: Sequence[Mapping[str, Any]]) -> None:
        """Note what a list of products shows."""
        self.products |= {int(found["id"]): (int(found["price"]), int(found["stock"])) for found in products}

    def basket(self, amount: int, chance: Random) -> dict[int, int]:
        """Return what to buy for about so much; nothing while the shelf is empty."""
        prices = {product: price for product, (price, stock) in self.products.items() if stock}
        if not prices:
            return {}
        wanted = basket(amount, prices, chance)
        return {product: min(quantity, max(1, self.products[product][1] // 2)) for product, quantity in wanted.items()}

    @property
    def returned(self) -> float:
        """The share of orders that should be cancelled, so that goods come back."""
        value = sum(price * stock for price, stock in self.products.values())
        return max(FEW, min(1.0, (PLENTY - value) / (PLENTY - LITTLE)))
