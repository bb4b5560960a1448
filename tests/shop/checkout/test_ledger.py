"""Money adds up and stock is never below zero, whatever many do at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select

from service.database import make_engine
from service.database_access import Database
from service.error_metrics import BaseAppException
from service.migrations import upgrade
from service.shop.accounts import Login, Throttle
from service.shop.checkout import Attempt, Card, Checkout, CheckoutRequest, Issuer, Orders
from service.shop.domain.fraud import DECISIONS, FraudCheck, PaymentFacts, Verdict
from service.shop.domain.ledger import charge, refund
from service.shop.faults import Faults
from service.shop.seed import PRODUCTS, seed
from service.shop.tables import LedgerEntry, Order, OrderLine, Payment, Product, User
from service.telemetry.circuit_breaker import CircuitBreaker
from tests.shop.clients import DECLINED_CARD, GOOD_CARD

BUYERS, EACH = 64, 3


class Fickle(FraudCheck):
    """A fraud check that decides anything."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    async def evaluate(self, facts: PaymentFacts) -> Verdict:
        """Decide, mostly to approve."""
        await asyncio.sleep(self._chance.uniform(0, 0.005))
        return Verdict(self._chance.choice((*DECISIONS, "approve", "approve", "approve")))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A shop with goods and buyers."""
    engine = make_engine(database_url)
    await upgrade(engine)
    await seed(engine)
    database = Database(engine)
    async with database() as session, session.begin():
        session.add_all(User(email=f"b{n}@example.com", password_hash="x", country="KR") for n in range(BUYERS))
    yield database
    await engine.dispose()


@pytest.mark.parametrize("seed_of_chance", [1, 2])
async def test_money_and_goods_add_up_under_64_buyers(database: Database, seed_of_chance: int) -> None:
    """Who check out, repeat, pay with other cards, cancel and break off, as chance will have it."""
    chance = Random(seed_of_chance)
    orders = Orders(database)
    throttle = Throttle(None, CircuitBreaker("redis"))
    shop = Checkout(orders, Fickle(chance), Issuer(Faults(enabled=False)), throttle, b"key")
    await asyncio.gather(*(_buy(shop, user, Random(chance.random())) for user in range(1, BUYERS + 1)))
    await _check(database, orders)


async def _buy(shop: Checkout, user: int, chance: Random) -> None:
    login = Login(user, "KR", 0.0, 0.0)
    for number in range(EACH):
        wanted = {chance.randint(1, 10): chance.randint(1, 4) for _ in range(chance.randint(1, 3))}
        card = Card("card", chance.choice((GOOD_CARD, GOOD_CARD, DECLINED_CARD)))
        request = CheckoutRequest(f"k{number}", wanted, _with(card))
        tries = [shop.run(login, request) for _ in range(chance.randint(1, 3))]
        done = await asyncio.gather(*tries, return_exceptions=True)
        _only_expected(done)
        for order in (one for one in done if isinstance(one, Order)):
            again = [shop.pay(login, order, _with(Card("card", GOOD_CARD)), "000000")] if chance.random() < 0.5 else []
            if chance.random() < 0.4:
                again.append(shop.cancel(order))
            _only_expected(await asyncio.gather(*again, return_exceptions=True))


def _with(card: Card) -> Attempt:
    return Attempt(card, "d1", "198.18.0.1", "KR", "KR")


def _only_expected(results: list[Any]) -> None:
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, BaseAppException):
            raise result


async def _check(database: Database, orders: Orders) -> None:
    balance = await orders.balance()
    async with database() as session:
        paid = await session.execute(
            select(func.count(), func.coalesce(func.sum(Payment.amount), 0))
            .join(Order, Order.id == Payment.order_id)
            .where(Order.status.in_(("processing", "shipped", "delivered")))
        )
        count, amount = paid.one()
        charged = await session.execute(
            select(LedgerEntry.order_id, func.sum(LedgerEntry.amount))
            .where(LedgerEntry.account == "issuer")
            .group_by(LedgerEntry.order_id)
        )
        by_order = {row[0]: row[1] for row in charged.all()}
        found = {row.id: row for row in (await session.execute(select(Order.id, Order.status, Order.total))).all()}
        stocks = {row.name: row.stock for row in (await session.execute(select(Product.name, Product.stock))).all()}
        bought = await session.execute(
            select(Product.name, func.sum(OrderLine.quantity))
            .join(OrderLine, OrderLine.product_id == Product.id)
            .join(Order, Order.id == OrderLine.order_id)
            .where(Order.status != "cancelled")
            .group_by(Product.name)
        )
        sold = {row[0]: row[1] for row in bought.all()}
    assert count > BUYERS / 4  # something was bought at all
    assert balance == {"issuer": amount, "sales": -amount}
    for order in found.values():
        assert by_order.get(order.id, 0) == (order.total if order.status == "processing" else 0), order
    for name, _, before in PRODUCTS:
        assert stocks[name] >= 0
        assert stocks[name] + sold.get(name, 0) == before, name


@pytest.mark.parametrize("amount", [1, 48_000, 10**15])
def test_entries_add_up_to_zero(amount: int) -> None:
    """A refund is the opposite of a charge."""
    assert sum(entry.amount for entry in charge(amount)) == 0
    assert [entry.amount for entry in refund(amount)] == [-entry.amount for entry in charge(amount)]


def test_a_card_is_not_shown() -> None:
    """Not even by accident, in a log or a traceback."""
    assert GOOD_CARD not in repr(Card("card", GOOD_CARD))


def test_a_fingerprint_needs_the_key() -> None:
    """It is the same for the same card, and another with another key."""
    card = Card("card", GOOD_CARD)
    assert card.fingerprint(b"a") == Card("card", GOOD_CARD, 3).fingerprint(b"a")
    assert card.fingerprint(b"a") != card.fingerprint(b"b")
