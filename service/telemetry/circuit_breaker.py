"""Not asking a peer that does not answer: whoever asks is told at once, and the peer gets time to recover."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Literal

from prometheus_client import CollectorRegistry, Gauge

State = Literal["closed", "open", "half_open"]
STATES: tuple[State, ...] = ("closed", "open", "half_open")


class CircuitOpen(Exception):
    """The peer is not asked now."""


class BreakerStates:
    """`circuit_breaker_state`: 1 for the state of each breaker, 0 for the others.

    Args:
        registry: where the gauge is registered.

    Raises:
        ValueError: the registry holds series of this name already.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauge = Gauge(
            "circuit_breaker_state",
            "Whether calls go through (closed), are refused (open) or one is tried (half_open).",
            ("peer", "state"),
            registry=registry,
            multiprocess_mode="livemax",
        )

    def show(self, peer: str, now: State) -> None:
        """Show the state of one breaker."""
        for state in STATES:
            self._gauge.labels(peer, state).set(state == now)


class CircuitBreaker:
    """Opens after some failures in a row, and after a while lets one call try.

    Args:
        peer: who is asked, a label.
        states: shows the state.
        failures: in a row, until it opens.
        seconds: until a call is let through to try.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        peer: str,
        states: BreakerStates | None = None,
        failures: int = 5,
        seconds: float = 5.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._peer = peer
        self._states = states
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._failures = 0
        self._opened = 0.0
        self._enter("closed")

    @property
    def state(self) -> State:
        """What happens to the next call."""
        return self._state

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Let a call through: what is raised inside the block is a failure of the peer, unless it is a cancellation.

        Raises:
            CircuitOpen: the call is not let through.
        """
        self._admit()
        try:
            yield
        except asyncio.CancelledError:
            if self._state == "half_open":  # nothing was learnt: the next one may try
                self._opened = self._clock() - self._seconds
                self._enter("open")
            raise
        except Exception:
            self._failures += 1
            if self._state == "half_open" or self._failures >= self._limit:
                self._opened = self._clock()
                self._enter("open")
            raise
        self._failures = 0
        if self._state != "closed":
            self._enter("closed")

    def _admit(self) -> None:
        if self._state == "closed":
            return
        if self._state == "half_open" or self._clock() - self._opened < self._seconds:
            raise CircuitOpen(f"{self._peer} does not answer and is not asked for a while")
        self._enter("half_open")

    def _enter(self, state: State) -> None:
        self._state: State = state
        if self._states is not None:
            self._states.show(self._peer, state)
