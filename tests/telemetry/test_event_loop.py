"""The lag of the event loop."""

from __future__ import annotations

import asyncio
import time

from prometheus_client import CollectorRegistry

from service.telemetry.event_loop import EventLoopLag


async def test_what_blocks_the_loop_shows_as_lag() -> None:
    """And an idle loop has next to none."""
    registry = CollectorRegistry()
    async with EventLoopLag(registry).watching():
        await asyncio.sleep(0.25)
        before = registry.get_sample_value("event_loop_lag_seconds_sum") or 0
        time.sleep(0.5)  # noqa: ASYNC251  # it is what must be seen
        await asyncio.sleep(0.25)
    assert (registry.get_sample_value("event_loop_lag_seconds_count") or 0) >= 2
    assert 0.3 < (registry.get_sample_value("event_loop_lag_seconds_sum") or 0) - before < 2


async def test_it_stops_with_its_block() -> None:
    """No task is left behind."""
    async with EventLoopLag(CollectorRegistry()).watching():
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
