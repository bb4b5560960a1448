"""A network between a service and a server that can be made slow, cut, and led elsewhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 65_536


class Proxy:
    """Passes bytes on to a server of 127.0.0.1, from a thread of its own.

    Args:
        target: port of the server.

    Attributes:
        port: where the proxy listens.
        target: where new connections go.
        delay: seconds that a question and its answer take longer, half of it each way.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay = 0.0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Listen inside the block."""
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._pass_on, "127.0.0.1", 0), self._loop)
        listening = server.result(10)
        self.port = listening.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(listening.close)
            self.cut()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    def cut(self) -> None:
        """Close every connection that is open."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Let an answer take so much longer inside the block; connections that are open then are closed at its end."""
        self.delay = seconds
        try:
            yield
        finally:
            self.delay = 0.0
            self.cut()

    async def _cut(self) -> None:
        going = list(self._open)
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)

    async def _pass_on(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._both_ways(client, back))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        await asyncio.gather(task, return_exceptions=True)

    async def _both_ways(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            server, there = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:  # nobody listens: the client is told so by the end of its connection
            back.transport.abort()
            return
        ways = [asyncio.ensure_future(self._copy(client, there)), asyncio.ensure_future(self._copy(server, back))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (there, back):
                end.transport.abort()

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay / 2)
                sink.write(data)
                await sink.drain()
        except OSError:
            return


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """Run a proxy to a port of 127.0.0.1 for the block."""
    with Proxy(port).running() as proxy:
        yield proxy
