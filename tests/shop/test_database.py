"""The shop's tables and goods."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from service.database import make_engine
from service.fds.tables import Base as FDSBase
from service.migrations import head, upgrade
from service.shop.seed import PRODUCTS, seed
from service.shop.tables import Base


@pytest.fixture
def engine(tmp_path: Path) -> AsyncEngine:
    """A database that is a new file."""
    return make_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")


async def test_the_migrations_make_the_tables_of_the_code(engine: AsyncEngine) -> None:
    """Not one difference is left."""
    assert await upgrade(engine) == head()

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), [Base.metadata, FDSBase.metadata]))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_migrating_and_seeding_twice_changes_nothing(engine: AsyncEngine) -> None:
    """Every start does it."""
    for expected in (len(PRODUCTS), 0):
        await upgrade(engine)
        assert await seed(engine) == expected
    await engine.dispose()
