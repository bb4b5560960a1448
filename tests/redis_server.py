"""A Redis server in a container."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.servers import free_port

PORT = 6379


class RedisServer(NamedTuple):
    """Where it is, and the container, to pause and to kill."""

    url: str
    container: DockerContainer


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Run a server until the block ends, on a port of 127.0.0.1 that stays the same over restarts of the container."""
    container = DockerContainer("redis:8").waiting_for(LogMessageWaitStrategy("Ready to accept connections"))
    container.ports[PORT] = ("127.0.0.1", port := free_port())  # type: ignore[assignment]
    with container:
        yield RedisServer(f"redis://127.0.0.1:{port}", container)
