"""Bringing a database up to the schema of this code."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)  # it greets whoever asks for the revision


async def upgrade(engine: AsyncEngine) -> str:
    """Run the missing steps in one transaction and return the revision reached."""
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    return head()


@lru_cache(maxsize=1)
def head() -> str:
    """Return the newest revision that this code knows, `nothing` if it has none."""
    return ScriptDirectory.from_config(_config()).get_current_head() or "nothing"


async def missing_since(engine: AsyncEngine) -> str | None:
    """Return the revision of a database whose schema is older than this code, `nothing` for an empty one, else None.

    A revision that this code does not know is a newer one: a rollout migrates before the old replicas are gone.
    """
    async with engine.connect() as connection:
        current = await connection.run_sync(_revision)
    if not _known():  # a fork without tables yet
        return None
    if current is None:
        return "nothing"
    return current if current in _known() and current != head() else None


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions())


def _revision(connection: Connection) -> str | None:
    # Alembic makes its table anew for each question: compiled statements of it would fill the cache, one by one.
    connection = connection.execution_options(compiled_cache=None)
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Its driver begins no transaction for DDL: a kill half-way, or a second process, would leave half a schema.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
