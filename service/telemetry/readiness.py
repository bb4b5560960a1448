"""Whether this process can serve requests now: start-up done, not draining, and what it needs answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
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
        time_limit: seconds after which it counts as failed, and is cancelled.
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
        self._unfinished: dict[str, asyncio.Task[None]] = {}
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
        results = await asyncio.gather(*(self._run(name, check) for name, check in self._checks.items()))
        for name, result in zip(self._checks, results, strict=True):
            for listener in self._told:
                listener(name, result["status"] == "ok")
        return dict(zip(self._checks, results, strict=True))

    async def _run(self, name: str, check: Check) -> dict[str, Any]:
        began = self._clock()
        reason = await self._failure(name, check)
        outcome = {"status": "ok"}
        if reason is not None:
            outcome = {"status": "failed" if check.required else "degraded", "reason": reason}
        return {**outcome, "latency_ms": round((self._clock() - began) * 1000, 3)}

    async def _failure(self, name: str, check: Check) -> str | None:
        """Return why a check failed; None when it went well.

        It is a task of its own, because one that is cancelled may take its time to clean up, or never end: nobody
        waits for that, and it isn't run again before, so that hung checks don't pile up.
        """
        if name in self._unfinished:
            return "the check before is still running"
        task = self._unfinished[name] = asyncio.create_task(_run_alone(check))
        task.add_done_callback(lambda task: self._over(name, task))
        await asyncio.wait((task,), timeout=check.time_limit)
        if not task.done():
            task.cancel()
            return f"no answer within {check.time_limit:g} s"
        if task.cancelled():  # from inside, by a driver whose own task was cancelled
            return "CancelledError"
        problem = task.exception()
        return None if problem is None else _name(problem)

    def _over(self, name: str, task: asyncio.Task[None]) -> None:
        del self._unfinished[name]
        if not task.cancelled():
            task.exception()  # asyncio logs one that nobody has looked at


async def _run_alone(check: Check) -> None:
    await check.run()


def _name(problem: BaseException) -> str:
    """Say what went wrong without its text, which may hold addresses and names; ours are written for this."""
    return str(problem) if isinstance(problem, NotReady) else type(problem).__name__


class NotReady(Exception):
    """A check's own finding; the probe shows its message."""
