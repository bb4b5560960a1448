"""Who buys what in the demo."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from loadtest.demo.shelf import FEW, Shelf
from loadtest.demo.stories import LISTED_DEVICE, card_number, purchases
from service.error_metrics.account_numbers import luhn_valid
from service.shop.checkout.payments import DECLINED
from service.shop.routes.schemas import CheckoutBody


def test_the_same_seed_tells_the_same_purchases() -> None:
    """Another one others."""
    first, again, other = (list(islice(purchases(seed, 50, 1.0), 200)) for seed in (1, 1, 2))
    assert first == again != other


def test_purchases_are_what_the_shop_takes_and_some_are_frauds() -> None:
    """At about the rate that was asked for, most of them honest."""
    found = list(islice(purchases(3, 300, 2.0), 2000))
    for purchase in found:
        facts = {name: getattr(purchase, name) for name in ("device", "country", "card_country")}
        assert luhn_valid(CheckoutBody(card_number=purchase.card, **facts).attempt("198.18.0.1", "KR").card.number)
    assert 0.1 < sum(purchase.fraud for purchase in found) / len(found) < 0.4
    assert LISTED_DEVICE in {purchase.device for purchase in found}
    assert len(found) / found[-1].at == pytest.approx(2.0, rel=0.25)


def test_a_card_has_one_number_that_is_accepted() -> None:
    """Each its own."""
    numbers = {card_number(f"c{number}") for number in range(1000)}
    assert len(numbers) == 1000
    assert not numbers & DECLINED.keys()
    assert card_number("c1") == card_number("c1")


def test_the_emptier_the_shop_the_more_orders_are_cancelled() -> None:
    """So a demo that runs for days does not sell out."""
    shares = []
    for stock in (5000, 300, 200, 0):
        shelf = Shelf()
        shelf.see([{"id": 1, "price": 100_000, "stock": stock}])
        shares.append(shelf.returned)
    assert shares[0] == FEW
    assert shares[-1] == 1.0
    assert shares == sorted(shares)


def test_nobody_orders_more_than_there_is() -> None:
    """Nor what is sold out; an empty shelf is no basket."""
    shelf = Shelf()
    assert shelf.basket(10_000, Random(1)) == {}
    shelf.see([{"id": 1, "price": 1_000, "stock": 6}, {"id": 2, "price": 1_000, "stock": 0}])
    assert shelf.basket(1_000_000, Random(1)) == {1: 3}
