"""A PostgreSQL server in a container."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from testcontainers.core.container import DockerContainer

from service.database import make_engine
from tests.servers import free_port

PORT = 5432


class PostgresServer(NamedTuple):
    """Where it is, and the container, to pause and to kill."""

    url: str
    container: DockerContainer


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server until the block ends, on a port of 127.0.0.1 that stays the same over restarts of the container."""
    container = DockerContainer("postgres:17")
    for name, value in (("USER", "shop"), ("PASSWORD", "secret"), ("DB", "shop")):
        container.with_env(f"POSTGRES_{name}", value)
    container.ports[PORT] = ("127.0.0.1", port := free_port())  # type: ignore[assignment]
    url = f"postgresql+asyncpg://shop:secret@127.0.0.1:{port}/shop"
    with container:
        asyncio.run(answering(url))
        yield PostgresServer(url, container)


async def emptied(url: str) -> None:
    """Remove every table."""
    engine = make_engine(url)
    async with engine.begin() as connection:
        for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
            await connection.execute(text(statement))
    await engine.dispose()


async def answering(url: str) -> None:
    """Wait until the server answers: its log says so before, while it sets itself up."""
    engine = make_engine(url)
    async with asyncio.timeout(60):
        while True:
            try:
                async with engine.connect():
                    break
            except (OSError, SQLAlchemyError):
                await asyncio.sleep(0.1)
    await engine.dispose()
