"""The process whose instructions are counted: `echo VARIANT REQUESTS LAYOUTS | python -m loadtest.overhead.hotloop`.

It starts and warms up once; then, for each cell, one forked child sends N requests and another 2N. What the two
differ by is N requests and nothing else. Under valgrind each child writes a result of its own; this process prints a
line `CELL SENT PID` for each, so that its caller finds them. All this in several memory layouts, see `layout`.

The variant comes by standard input because a command line of another length moves every object in memory, and where
objects lie decides which of them collide in the interpreter's caches.
"""

import sys

from loadtest.overhead.clocks import fix_clocks

fix_clocks()

import asyncio  # noqa: E402 (whatever imports a clock by name must find the fixed one)
import gc  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
from contextlib import AsyncExitStack  # noqa: E402

from fastapi import FastAPI  # noqa: E402

from loadtest.overhead.layout import fill_holes, jolt, renumber_types  # noqa: E402
from loadtest.overhead.traffic import CELLS, SEED, requests, rounds, running, send  # noqa: E402
from loadtest.overhead.variants import build, settle  # noqa: E402

WARM_UP = 150
"""Requests per cell before counting: fills caches, creates label children, lets the interpreter specialise."""

AT_ONCE = 30
"""Requests between two hand-overs of background work: a burst of errors, not a backlog."""


def count_all(app: FastAPI, at_least: int, layouts: int) -> None:
    """Warm up and count in one memory layout after the other."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(AsyncExitStack().enter_async_context(running(app)))
    for _ in range(layouts):
        renumber_types()
        for cell in CELLS:
            loop.run_until_complete(send(app, requests(cell), rounds(cell, WARM_UP), check=True))
        settle(app)
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection costs much and comes at other moments in other variants
        fill_holes()
        for cell in CELLS:
            _count_cell(loop, app, cell, rounds(cell, at_least))


def _count_cell(loop: asyncio.AbstractEventLoop, app: FastAPI, cell: str, count: int) -> None:
    """Fork two children between two runs of the loop: the child of a running loop would have no running loop."""
    for times in (1, 2):
        pid = os.fork()
        if pid == 0:
            loop.run_until_complete(_send_and_settle(app, cell, times * count))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if status:
            raise SystemExit(f"the process that counts the {cell} requests ended with status {status}")
        print(cell, times * count, pid, flush=True)


async def _send_and_settle(app: FastAPI, cell: str, count: int) -> None:
    """What background threads would do is done here and counted: they are stopped while the clocks are fixed."""
    random.seed(SEED)
    stream = requests(cell, start=rounds(cell, WARM_UP))
    for done in range(0, count, AT_ONCE):
        await send(app, stream, min(AT_ONCE, count - done))
        settle(app)
        jolt(done // AT_ONCE)


def main() -> None:
    """Read the variant, the number of requests and that of memory layouts."""
    variant, at_least, layouts = sys.stdin.readline().split()
    sys.setswitchinterval(60)  # no thread switch by the clock
    count_all(build(variant), int(at_least), int(layouts))
    os._exit(0)  # the event loop is left as it is: there is nothing to clean up


if __name__ == "__main__":
    main()
