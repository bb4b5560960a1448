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
