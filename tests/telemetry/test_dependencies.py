"""Dependencies as Prometheus sees them."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from service.telemetry import Check, Readiness, dependencies
from service.telemetry.dependencies import DependencyUp
from tests.error_metrics.conftest import Clock


async def test_each_check_is_a_series_that_follows_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nobody probes; a soft dependency that is away is away as well."""
    monkeypatch.setattr(dependencies, "INTERVAL", 0.02)
    broken = False

    async def work() -> None:
        if broken:
            raise ConnectionError

    registry, clock = CollectorRegistry(), Clock()
    readiness = Readiness({"database": Check(work), "cache": Check(work, required=False)}, clock)

    def up(name: str) -> float | None:
        return registry.get_sample_value("dependency_up", {"dependency": name})

    dependency_up = DependencyUp(readiness, registry)
    assert (up("database"), up("cache")) == (0, 0)
    async with dependency_up.watching():
        assert (up("database"), up("cache")) == (1, 1)
        broken = True
        clock.now += 2
        await asyncio.sleep(0.2)
        assert (up("database"), up("cache")) == (0, 0)


async def test_it_looks_every_ten_seconds_and_goes_on_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a loop whose clock moves when told; a check is cancelled, and what else listens is broken."""
    loop, runs, ahead = asyncio.get_running_loop(), 0, 0.0
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now + ahead)

    async def cancelled() -> None:
        nonlocal runs
        runs += 1
        raise asyncio.CancelledError

    def broken(name: str, works: bool) -> None:
        raise OSError

    async def runs_after(seconds: float) -> int:
        nonlocal ahead
        ahead += seconds
        clock.now += seconds
        for _ in range(20):
            await asyncio.sleep(0)
        return runs

    clock = Clock()
    readiness = Readiness({"database": Check(cancelled)}, clock)
    dependency_up = DependencyUp(readiness, CollectorRegistry())
    readiness.tell(broken)
    async with dependency_up.watching():
        found = [await runs_after(seconds) for seconds in (0, 9.9, 0.2, 9.9, 0.2)]
    assert found == [1, 1, 2, 2, 3]


async def test_it_stops_with_its_block() -> None:
    """No task is left behind."""
    async with DependencyUp(Readiness({}), CollectorRegistry()).watching():
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
