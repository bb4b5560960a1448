"""The past that `python -m service seed` writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import pytest
from fastapi import FastAPI
from sqlalchemy import String, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncEngine

from service import shop_seed
from service.__main__ import main
from service.database import make_engine
from service.database_access import Database
from service.fds.judgement import DECISIONS
from service.fds.tables import FraudDecision
from service.migrations import upgrade
from service.shop.checkout import Orders
from service.shop.domain.order import STATUSES
from service.shop.seed import PRODUCTS
from service.shop.seed_history import basket
from service.shop.tables import LedgerEntry, Order, OrderLine, Payment, Product, User
from service.shop_seed import ORDERS, PASSWORD, USERS, fill
from tests.asgi import request

PRODUCTION = {"ENVIRONMENT": "production", "METRICS_DASHBOARD_TOKEN": "t" * 32}


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A database with tables and nothing else."""
    engine = make_engine(database_url)
    await upgrade(engine)
    yield engine
    await engine.dispose()


async def rows(engine: AsyncEngine, query: object) -> list[tuple[object, ...]]:
    """Return what a query finds."""
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(query)).all()]  # type: ignore[call-overload]


async def test_every_order_of_the_past_adds_up(engine: AsyncEngine) -> None:
    """Lines make its total, what is under way or arrived is paid, and who cancelled has the money back."""
    told = await fill(engine)
    assert told.startswith(f"added {len(PRODUCTS)} products, {USERS} users (demo-1@example.com ")
    worth = select(OrderLine.order_id, func.sum(OrderLine.price * OrderLine.quantity).label("worth"))
    lines = worth.group_by(OrderLine.order_id).subquery()
    booked = select(LedgerEntry.order_id, func.sum(LedgerEntry.amount).label("sales")).where(
        LedgerEntry.account == "sales"
    )
    sales = booked.group_by(LedgerEntry.order_id).subquery()
    query = (
        select(Order.status, Order.outcome, Order.total, lines.c.worth, Payment.amount, sales.c.sales)
        .outerjoin_from(Order, lines, Order.id == lines.c.order_id)
        .outerjoin(Payment, Order.id == Payment.order_id)
        .outerjoin(sales, Order.id == sales.c.order_id)
    )
    found = await rows(engine, query)
    assert len(found) == ORDERS
    assert {status for status, *_ in found} >= set(STATUSES) - {"pending"}
    for status, outcome, total, goods, paid, sold in found:
        assert total == goods
        if status in ("processing", "shipped", "delivered"):
            assert (outcome, paid, -sold) == ("approved", total, total)  # type: ignore[operator]
        elif outcome == "approved":
            assert (status, paid, sold) == ("cancelled", total, 0)
        else:
            assert (paid, sold) == (None, None)
    assert sum((await Orders(Database(engine)).balance()).values()) == 0


async def test_most_decisions_of_the_past_are_labelled_and_some_were_wrong(engine: AsyncEngine) -> None:
    """One for each order; every kind is there."""
    await fill(engine)
    query = select(FraudDecision.decision, FraudDecision.fraud, FraudDecision.amount, Order.total).join_from(
        FraudDecision, Order, FraudDecision.transaction_id == literal("order-").concat(cast(Order.id, String))
    )
    found = await rows(engine, query)
    assert len(found) == ORDERS
    assert all(amount == total for _, _, amount, total in found)
    assert {decision for decision, *_ in found} == set(DECISIONS)
    assert 0.8 < sum(fraud is not None for _, fraud, *_ in found) / ORDERS < 1
    called = {(decision in ("hold", "block"), fraud) for decision, fraud, *_ in found if fraud is not None}
    assert called == {(True, True), (True, False), (False, True), (False, False)}


async def test_nobody_bought_before_registering(engine: AsyncEngine) -> None:
    """Nor after now."""
    await fill(engine)
    found = await rows(engine, select(User.created_at, Order.created_at).join_from(Order, User))
    assert all(user <= order < datetime.now(UTC) for user, order in found)  # type: ignore[operator]


async def test_a_shop_that_is_used_is_left_alone(engine: AsyncEngine) -> None:
    """The second time, and where somebody has registered."""
    async with engine.begin() as connection:
        await connection.execute(User.__table__.insert(), [{"email": "k@x.kr", "password_hash": "x", "country": "KR"}])  # type: ignore[attr-defined]
    for _ in range(2):
        assert await fill(engine) == "the shop has users or orders already, nothing added"
    assert [await rows(engine, select(func.count()).select_from(table)) for table in (Product, Order)] == [[(0,)]] * 2


async def test_every_past_is_the_same(engine: AsyncEngine, tmp_path: object) -> None:
    """But for the time, which ends now."""
    other = make_engine(f"sqlite+aiosqlite:///{tmp_path}/other.db")
    await upgrade(other)
    pasts = []
    for place in (engine, other):
        await fill(place, (20, 120))
        lines = select(Order.user_id, Order.status, Order.outcome, OrderLine.product_id, OrderLine.quantity)
        scores = select(FraudDecision.score, FraudDecision.decision, FraudDecision.fraud, FraudDecision.user_id)
        pasts.append(
            await rows(place, lines.join_from(Order, OrderLine).order_by(Order.id, OrderLine.product_id))
            + await rows(place, scores.order_by(FraudDecision.decided_at))
        )
    await other.dispose()
    assert pasts[0] == pasts[1]


async def test_the_numbers_are_those_that_were_asked_for(engine: AsyncEngine) -> None:
    """Also no orders at all."""
    assert ", 3 users (" in await fill(engine, (3, 0))
    assert await rows(engine, select(func.count()).select_from(User)) == [(3,)]
    assert await rows(engine, select(func.count()).select_from(Order)) == [(0,)]


async def test_a_demo_user_logs_in_and_finds_past_orders(app: FastAPI, database_url: str) -> None:
    """With the password that `seed` prints."""
    engine = make_engine(database_url)
    assert PASSWORD in await fill(engine)
    await engine.dispose()
    who = {"email": "demo-1@example.com", "password": PASSWORD}
    token = (await request(app, "/v1/sessions", "POST", json_body=who)).json()["token"]
    answer = await request(app, "/v1/orders", headers={"Authorization": f"Bearer {token}"})
    times = [order["created_at"] for order in answer.json()["orders"]]
    assert len(times) > 2
    assert all(newer > older for newer, older in pairwise(times))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_production_gets_products_only(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says why; who asks for users is refused in one line."""
    for name, value in {**PRODUCTION, "DATABASE_URL": database_url}.items():
        monkeypatch.setenv(name, value)
    assert main(["migrate"]) == 0
    capsys.readouterr()
    assert main(["seed"]) == 0
    assert capsys.readouterr().out == (
        f"added {len(PRODUCTS)} products; no users and orders: their password is known, so production gets none\n"
    )
    assert main(["seed", "--users", "5"]) == 1
    told = capsys.readouterr()
    assert told.err.startswith("service: environment: production gets products only")
    assert (told.out, told.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--users", "0"), "service: --users: '0' is no number of users, give one in 1-100000\n"),
        (("--users", "²"), "service: --users: '²' is no number of users, give one in 1-100000\n"),
        (("--orders=-1",), "service: --orders: '-1' is no number of orders, give one in 0-100000\n"),
        (("--orders", "100001"), "service: --orders: '100001' is no number of orders, give one in 0-100000\n"),
    ],
)
def test_a_bad_number_is_one_line(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str) -> None:
    """It names the option, and what is possible."""
    assert main(["seed", *arguments]) == 1
    assert capsys.readouterr().err == line


async def test_who_waits_for_long_is_told_how_far_it_is(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, beside the one line of the result."""
    monkeypatch.setattr(shop_seed, "PATIENCE", 0.0)
    await fill(engine, (5, 20))
    assert "seed: 20 of 20 orders written\n" in capsys.readouterr().err


@pytest.mark.parametrize("amount", [1_000, 7_900, 50_000, 20_000_000])
def test_a_basket_is_worth_about_what_somebody_means_to_spend(amount: int) -> None:
    """Never more, unless nothing is as cheap."""
    prices = {number: price for number, (_, price, _) in enumerate(PRODUCTS)}
    cheapest = min(prices.values())
    for seed in range(50):
        bought = basket(amount, prices, Random(seed))
        worth = sum(prices[product] * quantity for product, quantity in bought.items())
        assert all(bought.values())
        assert amount / 2 < worth <= amount or (worth == cheapest and amount < cheapest)
