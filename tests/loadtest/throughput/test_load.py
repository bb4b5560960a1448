"""The client of the throughput benchmark, against a server that answers as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import repeat

from loadtest.throughput.load import Outcome, send

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def answering(head: bytes, seconds: float = 0.0) -> AsyncIterator[int]:
    """Run a server that answers each request so, after some seconds; an empty head closes the connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(seconds)
                if not head:
                    break
                writer.write(head + b"\r\nContent-Length: 2\r\n\r\nok")
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_answers_are_counted_by_status() -> None:
    """One after the other on each connection."""
    async with answering(b"HTTP/1.1 201 Created") as port:
        outcome = await send(port, repeat(REQUEST), 0.2, 2)
    assert set(outcome.statuses) == {201}
    assert (outcome.error_rate, len(outcome.latencies)) == (0.0, outcome.statuses[201])


async def test_a_closed_connection_is_an_error_and_another_is_made() -> None:
    """Each request that got no answer counts."""
    async with answering(b"") as port:
        outcome = await send(port, repeat(REQUEST), 0.2, 1)
    assert outcome.statuses[0] > 1
    assert outcome.error_rate == 1.0


async def test_a_schedule_does_not_wait_for_the_server() -> None:
    """What is answered late has a latency from when it was due."""
    async with answering(b"HTTP/1.1 200 OK", seconds=0.1) as port:
        outcome = await send(port, repeat(REQUEST), 0.5, 1, per_second=50)
    assert outcome.quantile(0.99) > 0.2  # ten a second are answered, so who comes last has waited for others


def test_quantiles_are_those_of_what_was_measured() -> None:
    """The largest one is the last."""
    outcome = Outcome(seconds=1.0, latencies=[0.3, 0.1, 0.2, 0.4])
    assert (outcome.quantile(0.5), outcome.quantile(1.0)) == (0.3, 0.4)
