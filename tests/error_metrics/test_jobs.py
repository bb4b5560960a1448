"""Errors outside HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from fastapi import BackgroundTasks, FastAPI

from service.error_metrics import (
    BaseAppException,
    ErrorMetricsCollector,
    MetricsConfig,
    jobs,
    observe_errors,
    setup_exception_handler,
)
from tests.asgi import request


def paths(collector: ErrorMetricsCollector) -> list[str | None]:
    """Return where the recorded errors came from."""
    return [event.path for event in collector.events()]


def test_an_error_that_escapes_a_block_is_recorded_and_goes_on(collector: ErrorMetricsCollector) -> None:
    """Under the job's name."""
    with pytest.raises(ZeroDivisionError), observe_errors("nightly", collector):
        raise ZeroDivisionError
    assert paths(collector) == ["job:nightly"]


def test_a_function_is_observed_and_keeps_its_name(collector: ErrorMetricsCollector) -> None:
    """And its result."""

    @observe_errors("import", collector)
    def work(fail: bool) -> int:
        if fail:
            raise BaseAppException(901, "no file")
        return 7

    assert (work(False), work.__name__) == (7, "work")
    with pytest.raises(BaseAppException):
        work(True)
    assert dict(collector.snapshot().by_code) == {901: 1}


async def test_a_coroutine_function_is_observed_while_it_runs(collector: ErrorMetricsCollector) -> None:
    """Not only while it is called."""

    @observe_errors("consume", collector)
    async def work(fail: bool) -> int:
        await asyncio.sleep(0)
        if fail:
            raise ZeroDivisionError
        return 7

    assert await work(False) == 7
    with pytest.raises(ZeroDivisionError):
        await work(True)
    assert paths(collector) == ["job:consume"]


async def test_an_asynchronous_block_is_observed(collector: ErrorMetricsCollector) -> None:
    """With `async with` as well."""
    with pytest.raises(ZeroDivisionError):
        async with observe_errors("poll", collector):
            raise ZeroDivisionError
    assert paths(collector) == ["job:poll"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_being_told_to_stop_is_no_error(collector: ErrorMetricsCollector, kind: type[BaseException]) -> None:
    """A worker that is shut down has not failed."""
    with pytest.raises(kind), observe_errors("nightly", collector):
        raise kind
    assert collector.snapshot().total_errors == 0


def test_without_a_collector_that_of_the_application_is_used(
    collector: ErrorMetricsCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose own errors and jobs then are one picture."""
    monkeypatch.setattr(jobs, "_default", None)
    jobs.set_default_collector(collector)
    with pytest.raises(ZeroDivisionError), observe_errors("nightly"):
        raise ZeroDivisionError
    assert paths(collector) == ["job:nightly"]


def test_without_an_application_there_is_still_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cron job has none."""
    monkeypatch.setattr(jobs, "_default", None)
    with pytest.raises(ZeroDivisionError), observe_errors("nightly"):
        raise ZeroDivisionError
    assert jobs.default_collector().snapshot().total_errors == 1
    assert jobs.default_collector().config == MetricsConfig()


def test_a_job_within_a_job_is_one_error(collector: ErrorMetricsCollector) -> None:
    """That of the inner one."""
    with (
        pytest.raises(ZeroDivisionError),
        observe_errors("nightly", collector),
        observe_errors("nightly: import", collector),
    ):
        raise ZeroDivisionError
    assert paths(collector) == ["job:nightly: import"]


def test_a_generator_is_refused(collector: ErrorMetricsCollector) -> None:
    """Its errors come after the call that would be observed."""

    def numbers() -> Iterator[int]:
        yield 1 // 0

    async def later() -> AsyncIterator[int]:
        yield 1 // 0

    for function in (numbers, later):
        with pytest.raises(TypeError, match="a generator runs after its call"):
            observe_errors("export", collector)(function)


async def test_an_object_whose_call_is_a_coroutine_is_observed_while_it_runs(collector: ErrorMetricsCollector) -> None:
    """As consumers written as classes are."""

    class Consumer:
        async def __call__(self) -> None:
            await asyncio.sleep(0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await observe_errors("consume", collector)(Consumer())()
    assert paths(collector) == ["job:consume"]


def test_an_exception_object_that_is_raised_again_is_another_error(collector: ErrorMetricsCollector) -> None:
    """Constants and cached failures are raised many times."""
    failure = ValueError("the same")
    for _ in range(3):
        with pytest.raises(ValueError, match="the same"), observe_errors("poll", collector):
            raise failure
    assert collector.snapshot().total_errors == 3


async def test_a_failing_task_of_a_job_is_one_error(collector: ErrorMetricsCollector) -> None:
    """Although the task is a job as well."""

    @observe_errors("task", collector)
    async def task() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), observe_errors("nightly", collector):
        await asyncio.create_task(task())
    assert paths(collector) == ["job:task"]


FAILURE = ValueError("the same")


@pytest.fixture
def app(collector: ErrorMetricsCollector) -> FastAPI:
    """An application whose requests run jobs."""
    app = FastAPI()
    own = setup_exception_handler(app, metrics_config=MetricsConfig.testing())

    @app.get("/inline")
    async def inline(raised_again: bool = False) -> None:
        if raised_again:
            raise FAILURE
        observe_errors("inline", own)(fail)()

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> None:
        tasks.add_task(observe_errors("background", own)(fail))

    @app.get("/elsewhere")
    async def elsewhere() -> None:
        observe_errors("elsewhere", collector)(fail)()

    return app


def fail() -> None:
    """Raise one and the same exception object."""
    raise FAILURE


@pytest.mark.parametrize("path", ["/inline", "/background"])
async def test_a_failing_job_of_a_request_is_one_error(app: FastAPI, path: str) -> None:
    """Recorded by the job, and not again by the handler; the next request's is the next error."""
    for _ in range(2):
        assert (await request(app, path)).exception is FAILURE
    assert paths(app.state.error_metrics) == [f"job:{path[1:]}"] * 2


async def test_what_a_job_has_raised_before_is_a_requests_own_error_when_it_raises_it(app: FastAPI) -> None:
    """Cached failures are raised many times."""
    for path in ("/inline", "/inline?raised_again=true", "/inline?raised_again=true"):
        await request(app, path)
    assert paths(app.state.error_metrics) == ["/inline", "/inline", "job:inline"]


async def test_what_a_job_outside_raised_before_is_a_requests_own_error(app: FastAPI) -> None:
    """Though no request has dealt with it in between."""
    own = app.state.error_metrics
    with suppress(ValueError), observe_errors("nightly", own):
        raise FAILURE
    await request(app, "/inline?raised_again=true")
    assert paths(own) == ["/inline", "job:nightly"]


async def test_what_a_job_of_one_request_raised_is_another_requests_own_error(app: FastAPI) -> None:
    """Though that one began before."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    @app.get("/waiting")
    async def waiting() -> None:
        begun.set()
        await go_on.wait()
        raise FAILURE

    first = asyncio.create_task(request(app, "/waiting"))
    await begun.wait()
    await request(app, "/inline")
    go_on.set()
    await first
    assert paths(app.state.error_metrics) == ["/waiting", "job:inline"]


async def test_an_error_that_a_job_recorded_elsewhere_is_still_the_applications(
    app: FastAPI, collector: ErrorMetricsCollector
) -> None:
    """Each collector counts it once."""
    await request(app, "/elsewhere")
    assert (paths(app.state.error_metrics), paths(collector)) == (["/elsewhere"], ["job:elsewhere"])


async def test_an_exception_that_makes_up_attributes_is_answered(app: FastAPI) -> None:
    """And recorded."""

    class Odd(Exception):
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    @app.get("/odd")
    async def odd() -> None:
        raise Odd

    assert (await request(app, "/odd")).json()["error_code"] == 599
    assert paths(app.state.error_metrics) == ["/odd"]
