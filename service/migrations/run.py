"""Bringing a database up to the schema of this code."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine


async def upgrade(engine: AsyncEngine) -> str:
    """Run the missing steps in one transaction and return the revision reached."""
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    return head()


def head() -> str:
    """Return the newest revision that this code knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


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
