"""Remembering what a list said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from service.fds.threat_lists import CachedThreats, Threat
from service.telemetry.cache import CacheMetrics
from service.telemetry.circuit_breaker import CircuitBreaker, CircuitOpen

LISTED = Threat("botnet", 90)


class Asked:
    """A list that notes what it is asked, and can be away."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.away = False

    async def find(self, keys: Sequence[str]) -> list[Threat | None]:
        """Every key that begins with `bad` is listed."""
        self.asked.append(list(keys))
        if self.away:
            raise ConnectionError("gone")
        return [LISTED if key.startswith("bad") else None for key in keys]


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


async def test_what_was_said_is_not_asked_again_for_a_minute() -> None:
    """Neither that something is listed, nor that it isn't."""
    asked, clock = Asked(), Clock()
    registry = CollectorRegistry()
    threats = CachedThreats(asked, CircuitBreaker("redis"), CacheMetrics(registry), clock)
    assert await threats.find(["bad1", "good"]) == [LISTED, None]
    assert await threats.find(["good", "bad1", "new"]) == [None, LISTED, None]
    clock.now = 60.0
    await threats.find(["good", "new"])
    assert asked.asked == [["bad1", "good"], ["new"], ["good", "new"]]
    assert registry.get_sample_value("cache_hits_total", {"cache_type": "threats"}) == 2
    assert registry.get_sample_value("cache_misses_total", {"cache_type": "threats"}) == 5


async def test_an_old_answer_is_better_than_none() -> None:
    """A list that is away is no reason to forget."""
    asked, clock = Asked(), Clock()
    threats = CachedThreats(asked, CircuitBreaker("redis"), clock=clock)
    await threats.find(["bad1"])
    asked.away, clock.now = True, 1000.0
    assert await threats.find(["bad1"]) == [LISTED]


async def test_what_was_never_asked_fails_with_the_list() -> None:
    """The engine must be named as missing then."""
    asked = Asked()
    asked.away = True
    with pytest.raises(ConnectionError):
        await CachedThreats(asked, CircuitBreaker("redis")).find(["bad1"])


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest answers go."""
    monkeypatch.setattr("service.fds.threat_lists.cached.MAX_ENTRIES", 3)
    asked = Asked()
    threats = CachedThreats(asked, CircuitBreaker("redis"))
    for number in range(5):
        await threats.find([f"k{number}"])
    await threats.find(["k4", "k3", "k2", "k0"])
    assert asked.asked[-1] == ["k0"]


async def test_a_list_that_is_away_is_not_asked_each_time() -> None:
    """After five failures it is left alone."""
    asked = Asked()
    asked.away = True
    threats = CachedThreats(asked, CircuitBreaker("redis"))
    for number in range(20):
        with pytest.raises((ConnectionError, CircuitOpen)):
            await threats.find([f"k{number}"])
    assert len(asked.asked) == 5
