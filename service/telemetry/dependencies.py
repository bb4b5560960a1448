"""Which dependencies answer, as Prometheus sees it: the readiness checks, also where nobody probes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Gauge

from service.error_metrics.cells import shared_by_workers

from .readiness import Readiness

INTERVAL = 10.0

logger = logging.getLogger(__name__)


class DependencyUp:
    """`dependency_up`: 1 when the last check of a dependency went well, else 0.

    Args:
        readiness: whose checks are shown; they run every ten seconds, and whenever a probe asks.
        registry: where the gauge is registered.
    """

    def __init__(self, readiness: Readiness, registry: CollectorRegistry) -> None:
        self._readiness = readiness
        gauge = Gauge(
            "dependency_up",
            "Whether the last check of a dependency went well.",
            ("dependency",),
            registry=registry,
            multiprocess_mode="livemin",
        )
        if not shared_by_workers():  # there a worker that has just been started would be the minimum of all
            for name in readiness.names:
                gauge.labels(name)
        readiness.tell(lambda name, works: gauge.labels(name).set(works))

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Run the checks now, and go on inside the block."""
        await self._look()
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            await self._look()

    async def _look(self) -> None:
        # Unlike `try`, this tells a check that was cancelled from this task being cancelled.
        (problem,) = await asyncio.gather(self._readiness.state(), return_exceptions=True)
        if isinstance(problem, BaseException):
            logger.error("dependency_up is not up to date", exc_info=problem)
