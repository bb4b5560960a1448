"""(b) CPU time of a request in a hot loop: no server, no network, the application called in process.

`python -m loadtest.overhead.times VARIANT CLOCK` is the worker; `measure` asks one worker per variant in turns.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, ExitStack

from loadtest.overhead.blocks import Samples, Worker, per_cell, serve
from loadtest.overhead.machine import pin
from loadtest.overhead.traffic import CELLS, requests, rounds, running, send
from loadtest.overhead.variants import build, settle

BLOCK = 200
"""Requests in a block, about 40 ms: short beside the time in which a machine changes its mood."""

LEAD_IN = 30
"""Requests before the clock starts: the caches still hold what another variant left in them."""


def measure(
    names: Sequence[str], how_often: int, clock: str = "process", cells: Iterable[str] = tuple(CELLS)
) -> dict[str, Samples]:
    """CPU microseconds a request, by cell and variant, one number for each of `how_often` rounds.

    `clock` is `process` (all threads, and the work put off for later) or `thread` (what the request itself waits for).
    """
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker("times", name, clock)) for name in names}
        for cell in cells:
            for worker in workers.values():
                worker.ask(cell=cell, at_least=5 * BLOCK)  # warms up
        return per_cell(cells, names, how_often, lambda name, cell: workers[name].ask(cell=cell, at_least=BLOCK))


class HotLoop:
    """The worker: one application, one event loop, one core."""

    def __init__(self, variant: str, clock: str) -> None:
        pin(1)
        self._clock = time.process_time_ns if clock == "process" else time.thread_time_ns
        self._app = build(variant)
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(AsyncExitStack().enter_async_context(running(self._app)))
        self._sent = 0
        gc.collect()
        gc.freeze()  # as long-running servers do; new objects are collected as always

    def block(self, cell: str, at_least: int) -> float:
        """CPU microseconds a request. What was put off is done at the end, so that all blocks begin alike."""
        count = rounds(cell, at_least)
        lead_in = rounds(cell, LEAD_IN)
        stream = requests(cell, start=self._sent)
        self._sent += lead_in + count
        self._loop.run_until_complete(send(self._app, stream, lead_in))
        settle(self._app)
        start = self._clock()
        self._loop.run_until_complete(send(self._app, stream, count))
        answered = self._clock()
        settle(self._app)
        end = self._clock() if self._clock is time.process_time_ns else answered
        return (end - start) / count / 1000


if __name__ == "__main__":
    serve(HotLoop(*sys.argv[1:]).block)
