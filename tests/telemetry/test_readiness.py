"""Whether requests can be served."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter

import pytest

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


async def test_a_check_has_one_second_unless_it_says_otherwise() -> None:
    """A probe of Kubernetes waits no longer by default."""
    state = await ready_to_serve(database=Check(hanging)).state()
    assert state.checks["database"]["reason"] == "no answer within 1 s"


async def test_the_time_of_a_check_is_told_in_milliseconds_to_the_microsecond() -> None:
    """More digits would be noise."""
    clock = Clock(0.0)

    async def slow() -> None:
        clock.now += 0.0123456

    state = await Readiness({"database": Check(slow)}, clock).state()
    assert state.checks["database"]["latency_ms"] == 12.346


async def test_nobody_waits_for_a_check_that_will_not_be_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    """It has failed, is not started a second time before it ends, and runs again then."""
    begun, cancelled, gate, clock = 0, 0, asyncio.Event(), Clock()

    async def stubborn() -> None:
        nonlocal begun, cancelled
        begun += 1
        try:
            await gate.wait()
        except asyncio.CancelledError:
            cancelled += 1
            await gate.wait()
            raise ConnectionError from None

    readiness = Readiness({"database": Check(stubborn, time_limit=0.01)}, clock)

    async def reason() -> str | None:
        clock.now += 2
        found = (await asyncio.wait_for(readiness.state(), 30)).checks["database"].get("reason")
        assert found is None or isinstance(found, str)
        return found

    reasons = [await reason(), await reason()]
    counts = [(begun, cancelled)]
    gate.set()
    await asyncio.sleep(0.01)
    reasons.append(await reason())
    assert reasons == ["no answer within 0.01 s", "the check before is still running", None]
    assert [*counts, (begun, cancelled)] == [(1, 1), (2, 1)]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_check_that_is_cancelled_from_inside_has_failed() -> None:
    """A driver may cancel what it waits for; the probe goes on."""

    async def cancelled() -> None:
        raise asyncio.CancelledError

    state = await ready_to_serve(database=Check(cancelled), cache=Check(fine)).state()
    assert (state.checks["database"]["status"], state.checks["database"]["reason"]) == ("failed", "CancelledError")
    assert state.checks["cache"]["status"] == "ok"


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
