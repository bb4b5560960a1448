"""How long the event loop keeps those waiting that are ready to go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry

from service.error_metrics.cells import make_histogram, only_child

INTERVAL = 0.1
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class EventLoopLag:
    """Sleeps a tenth of a second at a time, and notes by how much it overslept: `event_loop_lag_seconds`.

    Whatever blocks the loop, blocks every request in it; response times alone do not tell that from a slow database.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = only_child(
            make_histogram(
                "event_loop_lag_seconds", "Time by which a timer of the event loop was late.", (), BUCKETS, registry
            )
        )

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch the running loop inside the block."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()

    async def _watch(self) -> None:
        while True:
            began = perf_counter()
            await asyncio.sleep(INTERVAL)
            self._lag.observe(max(0.0, perf_counter() - began - INTERVAL))
