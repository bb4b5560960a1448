"""(b) CPU time of a request inside a real uvicorn, its client on another core.

`python -m loadtest.overhead.server VARIANT` is the worker: a server that also answers questions on standard input.
With `watched` behind it, a task notes how long the event loop stood still.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import uvicorn
from fastapi import FastAPI

from loadtest.overhead.blocks import Samples, Worker, per_cell
from loadtest.overhead.machine import pin
from loadtest.overhead.traffic import CELLS
from loadtest.overhead.variants import build, settle

BLOCK = 400
"""Requests in a block, about 0.2 s."""

LEAD_IN = 30
"""Requests before a block: the caches still hold what another variant left in them."""


def measure(names: Sequence[str], how_often: int) -> dict[str, Samples]:
    """CPU microseconds a request of the server process, by cell and variant, one number for each round."""
    with ExitStack() as stack:
        client = stack.enter_context(Worker("client"))
        servers = {name: stack.enter_context(Worker("server", name)) for name in names}
        ports = {name: server.ask(what="port") for name, server in servers.items()}

        def block(name: str, cell: str, count: int = BLOCK) -> float:
            client.ask(port=ports[name], cell=cell, at_least=LEAD_IN)
            before = servers[name].ask(what="cpu")
            sent = client.ask(port=ports[name], cell=cell, at_least=count)
            return float(servers[name].ask(what="cpu") - before) / int(sent) / 1000

        for cell in CELLS:
            for name in names:
                block(name, cell, 3 * BLOCK)  # warms up
        return per_cell(CELLS, names, how_often, block)


class MeasuredServer:
    """uvicorn with its defaults, but no access log; it tells its port, its CPU time and the stalls of its loop."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False)
        self._server = uvicorn.Server(config)
        self._longest = 0.0

    async def run(self) -> None:
        """Serve until standard input ends."""
        serving = asyncio.create_task(self._server.serve())
        questions = await _standard_input()
        while line := await questions.readline():
            print(json.dumps(await self._answer(**json.loads(line))), flush=True)
        self._server.should_exit = True
        await serving

    async def _answer(self, what: str) -> Any:
        if what == "port":
            return await self._port()
        if what == "cpu":
            await asyncio.to_thread(settle, self._app)
            return time.process_time_ns()
        longest, self._longest = self._longest, 0.0
        return longest

    async def _port(self) -> int:
        while not self._server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return port

    async def tick(self, period: float = 0.001) -> None:
        """Sleep `period` seconds again and again, and note by how much a sleep was too long at worst."""
        while True:
            start = time.perf_counter()
            await asyncio.sleep(period)
            self._longest = max(self._longest, time.perf_counter() - start - period)


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _serve(variant: str, *how: str) -> None:
    measured = MeasuredServer(build(variant))
    ticking = asyncio.create_task(measured.tick()) if "watched" in how else None
    await measured.run()
    if ticking is not None:
        ticking.cancel()


if __name__ == "__main__":
    pin(0)
    asyncio.run(_serve(*sys.argv[1:]))
