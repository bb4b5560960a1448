"""Not asking a peer that does not answer."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from service.telemetry.circuit_breaker import STATES, BreakerStates, CircuitBreaker, CircuitOpen


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Setting:
    """A breaker that opens after three failures, for ten seconds."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.registry = CollectorRegistry()
        self.breaker = CircuitBreaker("fds", BreakerStates(self.registry), 3, 10.0, self.clock)

    def call(self, problem: BaseException | None = None) -> None:
        """Call the peer, which answers or fails."""
        with self.breaker.guarding():
            if problem is not None:
                raise problem

    def fail(self, times: int = 1) -> None:
        """Call a peer that fails."""
        for _ in range(times):
            with pytest.raises(ConnectionError):
                self.call(ConnectionError())

    def shown(self) -> str:
        """Return the one state that the gauge shows."""
        labels = ({"peer": "fds", "state": state} for state in STATES)
        values = [self.registry.get_sample_value("circuit_breaker_state", label) for label in labels]
        assert sorted(value or 0 for value in values) == [0, 0, 1]
        return STATES[values.index(1)]


@pytest.fixture
def setting() -> Setting:
    """A closed breaker."""
    return Setting()


def test_it_opens_after_failures_in_a_row(setting: Setting) -> None:
    """A call that works in between begins the count anew."""
    assert setting.shown() == "closed"
    setting.fail(2)
    setting.call()
    setting.fail(2)
    assert setting.breaker.state == "closed"
    setting.fail()
    assert (setting.breaker.state, setting.shown()) == ("open", "open")
    with pytest.raises(CircuitOpen, match="fds does not answer"):
        setting.call()


def test_after_a_while_one_call_tries(setting: Setting) -> None:
    """The others are refused until it is known how that went; then all go through."""
    setting.fail(3)
    setting.clock.now = 10.0
    with setting.breaker.guarding():
        assert setting.shown() == "half_open"
        with pytest.raises(CircuitOpen):
            setting.call()
    assert setting.shown() == "closed"
    setting.fail(2)
    assert setting.breaker.state == "closed"


def test_a_try_that_fails_opens_it_again(setting: Setting) -> None:
    """For as long as before."""
    setting.fail(3)
    setting.clock.now = 10.0
    setting.fail()
    setting.clock.now = 19.9
    with pytest.raises(CircuitOpen):
        setting.call()
    setting.clock.now = 20.0
    setting.call()


def test_a_cancelled_call_says_nothing_about_the_peer(setting: Setting) -> None:
    """Its caller has left. The next call may try."""
    for _ in range(5):
        with pytest.raises(asyncio.CancelledError):
            setting.call(asyncio.CancelledError())
    assert setting.breaker.state == "closed"
    setting.fail(3)
    setting.clock.now = 10.0
    with pytest.raises(asyncio.CancelledError):
        setting.call(asyncio.CancelledError())
    setting.call()
    assert setting.shown() == "closed"
