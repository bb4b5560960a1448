"""Whether requests can be served."""

from __future__ import annotations

import asyncio
from time import perf_counter

from service.telemetry.readiness import Check, NotReady, Readiness
from tests.error_metrics.conftest import Clock


async def fine() -> None:
    """Work."""


async def broken() -> None:
    """Fail with a text that tells too much."""
    raise ConnectionError("cannot reach db.internal as shop")


async def hanging() -> None:
    """Never answer."""
    await asyncio.sleep(60)


def ready_to_serve(**checks: Check) -> Readiness:
    """Return a readiness whose start-up is done."""
    readiness = Readiness(checks)
    readiness.started = True
    return readiness


async def test_everything_that_works_is_ok() -> None:
    """With the time that it took."""
    state = await ready_to_serve(database=Check(fine)).state()
    assert state.ready
    assert state.checks["database"]["status"] == "ok"
    assert 0 <= state.checks["database"]["latency_ms"] < 1000


async def test_a_required_check_that_fails_makes_it_not_ready() -> None:
    """The probe names the kind of failure, not its text."""
    state = await ready_to_serve(database=Check(broken), cache=Check(fine)).state()
    assert not state.ready
    assert (state.checks["database"]["status"], state.checks["database"]["reason"]) == ("failed", "ConnectionError")
    assert state.checks["cache"]["status"] == "ok"


async def test_a_soft_dependency_that_fails_only_degrades() -> None:
    """It must not take every replica out of service."""
    state = await ready_to_serve(cache=Check(broken, required=False)).state()
    assert state.ready
    assert state.checks["cache"]["status"] == "degraded"


async def test_a_finding_of_our_own_is_shown() -> None:
    """It is written for whoever looks at the probe."""

    async def old() -> None:
        raise NotReady("the schema is older than the code")

    state = await ready_to_serve(schema=Check(old)).state()
    assert state.checks["schema"]["reason"] == "the schema is older than the code"


async def test_checks_that_hang_cost_one_time_limit_together() -> None:
    """They run side by side."""
    began = perf_counter()
    state = await ready_to_serve(**{f"c{n}": Check(hanging, time_limit=0.2) for n in range(20)}).state()
    assert perf_counter() - began < 2
    assert {check["reason"] for check in state.checks.values()} == {"no answer within 0.2 s"}


async def test_start_up_and_draining_are_not_ready() -> None:
    """Whatever the checks say."""
    readiness = Readiness({"database": Check(fine)})
    assert (await readiness.state()).checks["startup"]["status"] == "failed"
    readiness.started = True
    assert (await readiness.state()).ready
    readiness.draining = True
    state = await readiness.state()
    assert not state.ready
    assert state.checks["draining"]["reason"] == "the process is stopping"


async def test_results_are_kept_for_a_second() -> None:
    """However many probes there are."""
    runs = 0

    async def counted() -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0.01)

    clock = Clock()
    readiness = Readiness({"database": Check(counted)}, clock)
    await asyncio.gather(*(readiness.state() for _ in range(10)))
    clock.now += 0.9
    await readiness.state()
    assert runs == 1
    clock.now += 0.2
    await readiness.state()
    assert runs == 2


async def test_a_probe_that_gives_up_leaves_the_others_their_result() -> None:
    """One of several is cancelled."""

    async def slow() -> None:
        await asyncio.sleep(0.1)

    readiness = ready_to_serve(database=Check(slow))
    one, other = (asyncio.create_task(readiness.state()) for _ in range(2))
    await asyncio.sleep(0.02)
    one.cancel()
    assert (await other).ready
