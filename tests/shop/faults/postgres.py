"""A PostgreSQL server, and what can be wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import asyncpg

from tests.postgres_server import PostgresServer
from tests.tcp_proxy import Proxy

from . import containers


class Servers(NamedTuple):
    """PostgreSQL, and the network that leads to it."""

    postgres: PostgresServer
    network: Proxy

    @property
    def port(self) -> int:
        """Return the server's own port."""
        return int(self.postgres.url.rpartition(":")[2].partition("/")[0])

    @property
    def url(self) -> str:
        """Return its address by way of the network."""
        return self.postgres.url.replace(f":{self.port}/", f":{self.network.port}/")


@asynccontextmanager
async def two_seconds_late(servers: Servers) -> AsyncIterator[None]:
    """Answers come later than the limit."""
    with servers.network.slow(2.0):
        yield


@asynccontextmanager
async def with_another_password(servers: Servers) -> AsyncIterator[None]:
    """The one that the service knows is wrong from now on, and old connections are ended."""
    await sql(servers, "ALTER ROLE shop PASSWORD 'sesame'")
    await sql(servers, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    try:
        yield
    finally:
        await sql(servers, "ALTER ROLE shop PASSWORD 'secret'")


@asynccontextmanager
async def with_all_connections_taken(servers: Servers) -> AsyncIterator[None]:
    """Others use all that the server has; those of the service are cut."""
    address = servers.postgres.url.replace("+asyncpg", "")
    async with AsyncExitStack() as taken:
        refused = 0
        while refused < 3:  # the service has come back meanwhile, and the server takes a moment to let go
            try:
                connection = await asyncpg.connect(address)
            except asyncpg.TooManyConnectionsError:
                refused += 1
                servers.network.cut()
                await asyncio.sleep(0.1)
            else:
                taken.push_async_callback(connection.close)
        yield


async def sql(servers: Servers, statement: str) -> None:
    """Run a statement in the container, where no password is asked for."""
    await containers.run_in(servers.postgres.container, "psql", "-U", "shop", "-c", statement)
