"""The lag of the event loop."""

from __future__ import annotations

import asyncio
import time

import pytest
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


async def test_the_time_that_it_sleeps_is_no_lag() -> None:
    """A tenth of a second; on an idle loop at least one of many looks is less than half of it late."""
    registry = CollectorRegistry()
    async with EventLoopLag(registry).watching():
        for _ in range(100):
            await asyncio.sleep(0.1)
            if registry.get_sample_value("event_loop_lag_seconds_bucket", {"le": "0.05"}):
                return
    pytest.fail("each look was late by the time that it sleeps")


async def test_it_stops_with_its_block() -> None:
    """No task is left behind."""
    async with EventLoopLag(CollectorRegistry()).watching():
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
