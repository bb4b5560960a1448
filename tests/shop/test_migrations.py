"""Migrating a shop in which something has been sold."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from service.database import make_engine
from service.database_access import Database
from service.migrations import head, upgrade
from service.migrations.run import _config
from service.shop.checkout import Orders

OLD = (
    "INSERT INTO products (id, name, price, stock) VALUES (1, 'Celadon tea bowl', 48000, 118)",
    "INSERT INTO orders (id, status, total, created_at) VALUES (1, 'processing', 96000, '2025-01-01 00:00:00+00:00')",
    "INSERT INTO orders (id, status, total, created_at) VALUES (2, 'pending', 48000, '2025-01-01 00:00:00+00:00')",
    "INSERT INTO orders (id, status, total, created_at) VALUES (3, 'cancelled', 48000, '2025-01-01 00:00:00+00:00')",
    "INSERT INTO orders (id, status, total, created_at) VALUES (4, 'cancelled', 48000, '2025-01-01 00:00:00+00:00')",
    "INSERT INTO payments (order_id, amount, method, last_four, instalments, created_at) "
    "VALUES (3, 48000, 'card', '4242', 1, '2025-01-01 00:00:00+00:00')",
    "INSERT INTO order_lines (order_id, product_id, quantity, price) VALUES (1, 1, 2, 48000)",
    "INSERT INTO order_lines (order_id, product_id, quantity, price) VALUES (2, 1, 1, 48000)",
    "INSERT INTO payments (order_id, amount, method, last_four, instalments, created_at) "
    "VALUES (1, 96000, 'card', '4242', 1, '2025-01-01 00:00:00+00:00')",
)


def _configured(connection: Connection) -> Config:
    config = _config()
    config.attributes["connection"] = connection
    return config


async def test_old_orders_and_payments_go_on(database_url: str) -> None:
    """What was paid, and paid back, is in the ledger; an old order can still be cancelled."""
    engine = make_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(lambda found: command.upgrade(_configured(found), "0001"))
        for statement in OLD:
            await connection.execute(text(statement))
    assert await upgrade(engine) == head()
    orders = Orders(Database(engine))
    assert await orders.balance() == {"issuer": 96_000, "sales": -96_000}
    assert [(await orders.find(number)).outcome for number in (1, 2, 3, 4)] == [
        "approved",
        None,
        "approved",
        None,
    ]
    assert (await orders.cancel(1)) is not None
    assert await orders.balance() == {"issuer": 0, "sales": 0}
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT stock FROM products")) == 120
    await engine.dispose()


@pytest.mark.parametrize("revision", ["0002", "0001", "base"])
async def test_a_migration_can_be_taken_back(database_url: str, revision: str) -> None:
    """And made again, also where something was sold in between."""
    engine = make_engine(database_url)
    await upgrade(engine)
    async with engine.begin() as connection:
        for statement in OLD:
            await connection.execute(text(statement))
    async with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            await connection.execute(text("PRAGMA foreign_keys = OFF"))
        await connection.run_sync(lambda found: command.downgrade(_configured(found), revision))
    assert await upgrade(engine) == head()
    await engine.dispose()
