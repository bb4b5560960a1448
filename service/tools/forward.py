"""`python -m service.tools.forward PORT:HOST:PORT ...`: pass connections on, so that inner servers can be looked into.

The stack's debug profile runs it beside PostgreSQL, Redis and others that have no port on the host.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

CHUNK = 65_536


class Way(NamedTuple):
    """From a port of this container to one of another host."""

    port: int
    host: str
    to: int


def main(ways: Sequence[str]) -> int:
    """Pass connections on until told to stop; a way that can't be read is one line, and 1 is returned."""
    try:
        asked = [parsed(way) for way in ways]
    except ValueError as problem:
        print(f"forward: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    with suppress(KeyboardInterrupt):
        asyncio.run(forward(asked))
    return 0


def parsed(text: str) -> Way:
    """Return what `5432:postgres:5432` says.

    Raises:
        ValueError: it says something else.
    """
    port, _, rest = text.partition(":")
    host, _, to = rest.rpartition(":")
    if not (host and port.isdecimal() and to.isdecimal()):
        raise ValueError(f"{text!r} is no way, write PORT:HOST:PORT as in 5432:postgres:5432")
    return Way(int(port), host, int(to))


async def forward(ways: Sequence[Way], address: str = "0.0.0.0") -> None:  # noqa: S104  # what is open is compose's choice
    """Listen, and pass on whatever comes, without end."""
    async with asyncio.TaskGroup() as group:
        for way in ways:
            server = await asyncio.start_server(_passing_on(way), address, way.port)
            group.create_task(server.serve_forever())


def _passing_on(way: Way):  # type: ignore[no-untyped-def]  # asyncio's callback
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            theirs, ours = await asyncio.open_connection(way.host, way.to)
        except OSError:
            writer.close()
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, ours))
            group.create_task(_copy(theirs, writer))

    return serve


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
