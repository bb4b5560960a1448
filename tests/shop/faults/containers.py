"""Breaking a server that runs in a container."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from docker.errors import APIError
from testcontainers.core.container import DockerContainer


@asynccontextmanager
async def paused(container: DockerContainer) -> AsyncIterator[None]:
    """Let the server hang inside the block: it takes connections and questions, and answers none."""
    found = container.get_wrapped_container()
    for left in (2, 1, 0):
        try:
            await asyncio.to_thread(found.pause)
            break
        except APIError:  # a busy engine can't freeze all processes in time now and then
            if not left:
                raise
            await asyncio.sleep(0.5)
    try:
        yield
    finally:
        await asyncio.to_thread(found.unpause)


@asynccontextmanager
async def killed(container: DockerContainer) -> AsyncIterator[None]:
    """Let the server be away inside the block."""
    found = container.get_wrapped_container()
    await asyncio.to_thread(found.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(found.start)


async def run_in(container: DockerContainer, *command: str) -> str:
    """Run a command in the container and return what it printed.

    Raises:
        RuntimeError: it failed.
    """
    code, output = await asyncio.to_thread(container.get_wrapped_container().exec_run, list(command))
    if code:
        raise RuntimeError(output.decode())
    return str(output.decode())
