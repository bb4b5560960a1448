"""SAMPLE: `python -m service seed` fills an empty shop with products, and with users and a past to look at."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service import fds, shop
from service.database import make_engine
from service.fds.seed import SEED, Judged, add_decisions, judged
from service.settings import Settings
from service.shop.accounts import Passwords
from service.shop.seed_history import PastOrder, add_orders, add_users, basket, is_used, prices_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PASSWORD = "demo users share this"  # noqa: S105  # it is meant to be known
USERS, ORDERS, MOST = 50, 500, 100_000
PATIENCE = 2.0
"""Seconds after which one is told how far it has come."""


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `seed` to the command line."""
    seed = commands.add_parser("seed", help="fill an empty shop with products, users and a past")
    seed.add_argument("--users", help=f"how many users (default {USERS})")
    seed.add_argument("--orders", help=f"how many past orders (default {ORDERS})")
    seed.set_defaults(command=_seed)


def _seed(options: argparse.Namespace) -> int:
    users = _number("--users", options.users, 1, USERS)
    orders = _number("--orders", options.orders, 0, ORDERS)
    settings = Settings.from_environment()
    production = settings.environment == "production"
    if production and (options.users is not None or options.orders is not None):
        raise ValueError("environment: production gets products only: the password of demo users is known to everybody")
    told = asyncio.run(_on(settings.database_url, None if production else (users, orders)))
    if settings.redis_url is not None and not production:
        told += f"; {fds.seed_threats(settings.redis_url)} threats in Redis"
    print(told)  # noqa: T201  # it's a command
    return 0


async def _on(database_url: str, past: tuple[int, int] | None) -> str:
    engine = make_engine(database_url)
    try:
        return await fill(engine, past)
    finally:
        await engine.dispose()


async def fill(engine: AsyncEngine, past: tuple[int, int] | None = (USERS, ORDERS)) -> str:
    """Add what an empty shop lacks, and return one line that tells of it.

    Args:
        engine: of a database with tables.
        past: how many users and orders; None for products only.

    Raises:
        ValueError: the database has no tables yet, or somebody else fills it at the same time.
    """
    try:
        async with engine.connect() as connection:
            if past is not None and await is_used(connection):
                return "the shop has users or orders already, nothing added"
        products = f"added {await shop.seed(engine)} products"
        if past is None:
            return f"{products}; no users and orders: their password is known, so production gets none"
        async with engine.begin() as connection:
            return f"{products}, {await _add_past(connection, *past)}"
    except (OperationalError, ProgrammingError) as problem:
        missing = str(problem.orig).splitlines()[0]
        raise ValueError(f"{missing}; run `python -m service migrate` first") from None
    except IntegrityError:
        raise ValueError("database_url: somebody else fills the shop, or it has decisions about orders") from None


async def _add_past(connection: AsyncConnection, users: int, orders: int) -> str:
    progress, now, chance = _Progress(orders), datetime.now(UTC), Random(SEED)  # noqa: S311  # chance, not secrecy
    prices, baskets = await prices_of(connection), []

    def worth(amount: int) -> int:
        baskets.append(basket(amount, prices, chance))
        return sum(prices[product] * quantity for product, quantity in baskets[-1].items())

    payments = judged(users, orders, now.timestamp(), worth, progress.judged)
    places: dict[str, int] = {}
    for payment in payments:
        places.setdefault(payment.transaction.user_id, len(places) % users)
    ids = await add_users(connection, await _people(users, payments, places, now))
    past = [
        PastOrder(
            places[each.transaction.user_id], _moment(each), bought, each.transaction.amount, each.decision, each.fraud
        )
        for each, bought in zip(payments, baskets, strict=True)
    ]
    numbers = await add_orders(connection, ids, past, now, progress.written)
    labelled = await add_decisions(
        connection,
        [
            (f"order-{number}", str(ids[order.user]), payment)
            for number, order, payment in zip(numbers, past, payments, strict=True)
        ],
    )
    return (
        f"{users} users (demo-1@example.com and so on, password {PASSWORD!r}), {orders} orders and as many fraud "
        f"decisions, {labelled} of them labelled"
    )


async def _people(users: int, payments: list[Judged], places: dict[str, int], now: datetime) -> list[dict[str, Any]]:
    """Return the rows of users, who registered before their first order."""
    passwords = Passwords()
    # One hash for everybody: hashing is slow on purpose, and a salt hides nothing of a password that is printed.
    hashed = await passwords.hashed(PASSWORD)
    passwords.close()
    rows: list[dict[str, Any]] = [
        {"email": f"demo-{number}@example.com", "password_hash": hashed, "country": "KR", "created_at": now}
        for number in range(1, users + 1)
    ]
    for payment in reversed(payments):  # so that the first one has the last word
        facts, row = payment.transaction, rows[places[payment.transaction.user_id]]
        registered = datetime.fromtimestamp(facts.at - facts.account_age_days * 86_400, UTC)
        row |= {"country": facts.country, "created_at": min(registered, row["created_at"])}
    return rows


def _moment(payment: Judged) -> datetime:
    return datetime.fromtimestamp(payment.transaction.at, UTC)


def _number(option: str, text: str | None, least: int, default: int) -> int:
    if text is None:
        return default
    if text.isdecimal() and text.isascii() and least <= int(text) <= MOST:
        return int(text)
    raise ValueError(f"{option}: {text!r} is no number of {option[2:]}, give one in {least}-{MOST}")


class _Progress:
    """Tells on stderr how far it has come, every two seconds."""

    def __init__(self, orders: int) -> None:
        self._orders = orders
        self._told = time.monotonic()

    def judged(self, number: int) -> None:
        self._tell("judged", number)

    def written(self, number: int) -> None:
        self._tell("written", number)

    def _tell(self, what: str, number: int) -> None:
        if time.monotonic() - self._told < PATIENCE:
            return
        self._told = time.monotonic()
        print(f"seed: {number:,} of {self._orders:,} orders {what}", file=sys.stderr, flush=True)  # noqa: T201
