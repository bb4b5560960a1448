"""The HTTP client of the benchmark, a process of its own: keep-alive connections over plain asyncio streams.

It reads no more of an answer than its status and length, so that it needs little of the second core.
"""

import asyncio
import time
from collections.abc import Iterator
from itertools import islice

from loadtest.overhead.blocks import serve
from loadtest.overhead.machine import pin
from loadtest.overhead.traffic import Request, requests, rounds

CONNECTIONS = 4


class Client:
    """Sends blocks of requests to servers on this machine and checks the status of each answer."""

    def __init__(self) -> None:
        pin(1)
        self._sent = 0

    def block(self, port: int, cell: str, at_least: int, per_second: float = 0) -> int:
        """Send a block, as fast as answers come or `per_second`; return the number of requests.

        Raises `RuntimeError` when an answer has another status than expected.
        """
        count = rounds(cell, at_least)
        stream = islice(requests(cell, start=self._sent), count)
        self._sent += count
        asyncio.run(self._send(port, stream, per_second))
        return count

    async def _send(self, port: int, stream: Iterator[Request], per_second: float) -> None:
        pace = CONNECTIONS / per_second if per_second else 0.0
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(_connection(port, stream, pace))


async def _connection(port: int, stream: Iterator[Request], pace: float) -> None:
    """Take requests from the common stream, one after the other, at best one every `pace` seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    due = time.perf_counter()
    for request in stream:
        writer.write(_bytes(request))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        if int(head[9:12]) != request.status:
            raise RuntimeError(f"{request.path}: {head[:12].decode()}, expected {request.status}")
        due += pace
        await asyncio.sleep(max(0.0, due - time.perf_counter()) if pace else 0)
    writer.close()
    await writer.wait_closed()


def _bytes(request: Request) -> bytes:
    headers = b"".join(name + b": " + value + b"\r\n" for name, value in request.headers())
    return f"{request.method} {request.path} HTTP/1.1\r\n".encode() + headers + b"\r\n" + request.body


def _length(head: bytes) -> int:
    start = head.lower().find(b"content-length: ")
    return int(head[start + 16 : head.index(b"\r\n", start)]) if start >= 0 else 0


if __name__ == "__main__":
    serve(Client().block)
