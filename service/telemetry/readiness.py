"""Whether this process can serve requests now: start-up done, not draining, and what it needs answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any

TIME_LIMIT = 1.0
KEPT = 1.0


@dataclass(frozen=True)
class Check:
    """Something that requests depend on.

    Attributes:
        run: returns when it works, and raises when it does not.
        required: without it no request can be served; otherwise the service is only degraded, because one soft
            dependency must not take every replica out of service at once.
        time_limit: seconds after which it counts as failed.
    """

    run: Callable[[], Awaitable[None]]
    required: bool = True
    time_limit: float = TIME_LIMIT


@dataclass(frozen=True)
class State:
    """What a probe is told."""

    ready: bool
    checks: Mapping[str, Mapping[str, Any]]


class Readiness:
    """Runs the checks side by side, and keeps their result for a second however many ask.

    Args:
        checks: by name.
        clock: seconds, for tests.

    Attributes:
        started: set once start-up is finished.
        draining: set when the process is going to stop and wants no new requests.
    """

    def __init__(self, checks: Mapping[str, Check], clock: Callable[[], float] = monotonic) -> None:
        self._checks = dict(checks)
        self._clock = clock
        self._asked = -KEPT
        self._running: asyncio.Task[dict[str, dict[str, Any]]] | None = None
        self._told: list[Callable[[str, bool], None]] = []
        self.started = self.draining = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the checks."""
        return tuple(self._checks)

    def tell(self, listener: Callable[[str, bool], None]) -> None:
        """Call `listener` with name and success of each check whenever it has run."""
        self._told.append(listener)

    async def state(self) -> State:
        """Return whether requests can be served, and how each check went."""
        checks = dict(await self._results())
        if not self.started:
            checks["startup"] = {"status": "failed", "reason": "start-up is not finished"}
        if self.draining:
            checks["draining"] = {"status": "failed", "reason": "the process is stopping"}
        return State(all(check["status"] != "failed" for check in checks.values()), checks)

    async def _results(self) -> dict[str, dict[str, Any]]:
        running = self._running
        if running is None or (running.done() and self._clock() - self._asked >= KEPT):
            self._asked = self._clock()
            running = self._running = asyncio.create_task(self._run_all())
        # A probe that gives up must not take the result from the others that wait for it.
        return await asyncio.shield(running)

    async def _run_all(self) -> dict[str, dict[str, Any]]:
        results = await asyncio.gather(*map(_run, self._checks.values()))
        for name, result in zip(self._checks, results, strict=True):
            for listener in self._told:
                listener(name, result["status"] == "ok")
        return dict(zip(self._checks, results, strict=True))


async def _run(check: Check) -> dict[str, Any]:
    began = perf_counter()
    try:
        async with asyncio.timeout(check.time_limit):
            await check.run()
    except Exception as problem:  # noqa: BLE001  # whatever is wrong with a dependency, the probe must say so
        reason = f"no answer within {check.time_limit:g} s" if isinstance(problem, TimeoutError) else _name(problem)
        outcome = {"status": "failed" if check.required else "degraded", "reason": reason}
    else:
        outcome = {"status": "ok"}
    return {**outcome, "latency_ms": round((perf_counter() - began) * 1000, 3)}


def _name(problem: Exception) -> str:
    """Say what went wrong without its text, which may hold addresses and names; ours are written for this."""
    return str(problem) if isinstance(problem, NotReady) else type(problem).__name__


class NotReady(Exception):
    """A check's own finding; the probe shows its message."""
