"""Passing connections on."""

from __future__ import annotations

import asyncio

import pytest

from service.tools.forward import Way, forward, main, parsed
from tests.servers import free_port


async def test_what_comes_is_passed_on_and_back() -> None:
    """In both directions, to the last byte."""
    port, behind = free_port(), free_port()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readexactly(100_000))[::-1])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", behind)
    task = asyncio.create_task(forward([Way(port, "127.0.0.1", behind), Way(free_port(), "127.0.0.1", 9)], "127.0.0.1"))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(10), server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"a" * 50_000 + b"b" * 50_000)
        assert await reader.readexactly(100_000) == b"b" * 50_000 + b"a" * 50_000
        writer.close()
    task.cancel()


async def test_a_server_that_is_away_closes_the_connection() -> None:
    """And the next one is served."""
    port = free_port()
    task = asyncio.create_task(forward([Way(port, "127.0.0.1", free_port())], "127.0.0.1"))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(10):
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()
    task.cancel()


@pytest.mark.parametrize("text", ["5432", "5432:postgres", "a:postgres:5432", "5432::5432", ""])
def test_a_way_that_is_none_is_one_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With an example."""
    with pytest.raises(ValueError, match="5432:postgres:5432"):
        parsed(text)
    assert main([text]) == 1
    assert capsys.readouterr().err.startswith("forward: ")
