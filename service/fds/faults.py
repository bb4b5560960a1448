"""Fault switches of the engines and of the service as a whole, for drills. Production refuses them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

WHOLE = "service"
"""The name under which the service as a whole can be made slow, or answer 500."""


class Fault(NamedTuple):
    """What is wrong: it takes longer, or fails."""

    latency_ms: int = 0
    error: bool = False


class EngineFaults:
    """The switches of one process.

    Args:
        engines: their names.
    """

    def __init__(self, engines: Iterable[str]) -> None:
        self._faults = dict.fromkeys((*engines, WHOLE), Fault())

    def states(self) -> dict[str, Fault]:
        """Return the fault of each engine, and of the whole."""
        return dict(self._faults)

    def switch(self, engine: str, fault: Fault) -> None:
        """Set the fault of an engine, or of the whole.

        Raises:
            KeyError: there is no such engine.
        """
        if engine not in self._faults:
            raise KeyError(engine)
        self._faults[engine] = fault

    async def befall(self, engine: str) -> None:
        """Let an engine's fault happen.

        Raises:
            RuntimeError: the engine is to fail.
        """
        fault = self._faults[engine]
        if fault.latency_ms:
            await asyncio.sleep(fault.latency_ms / 1000)
        if fault.error:
            raise RuntimeError(f"the fault switch of {engine} is on")
