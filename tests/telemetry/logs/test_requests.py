"""Lines of requests: which are written, and what becomes of the others."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

import jsonschema_rs
import pytest
from fastapi import BackgroundTasks, FastAPI

from service.error_metrics import BaseAppException, MetricsConfig, setup_exception_handler
from service.error_metrics.jobs import observe_errors
from service.error_metrics.measurement import MeasuredRequest, RequestObserver
from service.error_metrics.registry import CatalogueEntry, default_registry
from service.error_metrics.requests import measure_requests
from service.telemetry import keeping
from service.telemetry.keeping import fraction
from service.telemetry.logs import get_logger
from service.telemetry.logs.requests import network_of
from service.telemetry.request_id import RequestIds, current_request
from tests.asgi import request

from .conftest import Logged, LogTo


@pytest.fixture(autouse=True)
def grave(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code whose errors are severe, though they are the client's fault."""
    entry = CatalogueEntry(981, "Grave", "Somebody must look at it", 409, "error")
    monkeypatch.setitem(default_registry._entries, 981, entry)


def id_with(low: float, high: float) -> str:
    """Return a request id whose fraction lies between the two."""
    return next(name for name in map(str, range(100_000)) if low <= fraction(name) < high)


KEPT, WARNED_ONLY, LEFT_OUT = id_with(0, 0.1), id_with(0.1, 0.5), id_with(0.5, 1)
PRODUCTION: dict[str, Any] = {
    "level": "debug",
    "sample_debug": 0,
    "sample_info": 0.1,
    "sample_warning": 0.5,
    "info_per_second": 100,
    "repeat_seconds": 60,
}


def serving(logged: Logged) -> FastAPI:
    """An application that logs."""
    app, log = FastAPI(), get_logger("shop")
    setup_exception_handler(app, metrics_config=MetricsConfig.testing())
    measure_requests(app, RequestIds(), logged.logs.request_lines())

    @app.get("/orders/{order}")
    async def order(order: str, fail: str = "", wait: float = 0) -> str:
        log.debug("d", order=order)
        log.info("i", order=order)
        log.warning("w", order=order)
        await asyncio.sleep(wait)
        if fail == "grave":
            raise BaseAppException(981, "grave", status_code=409)
        if fail == "bug":
            raise ZeroDivisionError
        if fail == "mild":
            raise BaseAppException(982, "mild", status_code=409)
        return order

    @app.get("/many")
    async def many(number: int, fail: bool = False) -> None:
        for place in range(number):
            event = f"line {place}"
            log.info(event)
        if fail:
            raise ZeroDivisionError

    @app.get("/later")
    async def later(tasks: BackgroundTasks, fail: bool = False) -> None:
        tasks.add_task(log.info, "background")
        if fail:
            raise BaseAppException(981, "grave", status_code=409, headers={})

    return app


async def said(logged: Logged, path: str, request_id: str) -> list[str]:
    """Return what was written for one request to a new application."""
    await request(serving(logged), path, headers={"X-Request-ID": request_id})
    return logged.events()


async def test_a_request_has_one_line_with_its_facts(log_to: LogTo) -> None:
    """The path as it came, the endpoint as the code knows it."""
    logged = log_to()
    await request(serving(logged), "/orders/bob@example.com?token=x", headers={"X-Request-ID": "mine"})
    (line,) = logged.lines("service.request")
    assert isinstance(line.pop("duration_ms"), float)
    assert {name: value for name, value in line.items() if name not in ("timestamp", "service", "version")} == {
        "level": "info",
        "event": "request",
        "logger": "service.request",
        "environment": "staging",
        "request_id": "mine",
        "method": "GET",
        "endpoint": "/orders/{order}",
        "path": "/orders/***",
        "status_code": 200,
        "client_ip": "192.0.2.0",
    }


async def test_a_failed_request_tells_its_error(log_to: LogTo) -> None:
    """So that a line leads to docs/error-codes.md."""
    logged = log_to(level="warning")
    await request(serving(logged), "/orders/1?fail=bug")
    (line,) = logged.lines("service.request")
    assert (line["level"], line["status_code"], line["error_code"], line["error_name"]) == (
        "error",
        500,
        599,
        "ZeroDivisionError",
    )


@pytest.mark.parametrize(
    ("level", "sampling", "written", "left_out"),
    [
        ("info", {"sample_info": 0}, ["info", "error"], 1),
        ("error", {}, ["error"], 0),
        ("error", {"sample_info": 0}, ["error"], 0),
        ("critical", {}, [], 0),
    ],
)
async def test_lines_of_requests_below_the_level_are_not_made(
    log_to: LogTo, level: str, sampling: dict[str, Any], written: list[str], left_out: int
) -> None:
    """Nor counted as left out, be the request slow or not."""
    logged = log_to(level=level, **sampling)
    for path in ("/orders/1", "/orders/1?wait=1.05", "/orders/1?fail=bug"):
        await request(serving(logged), path)
    assert [line["level"] for line in logged.lines("service.request")] == written
    assert logged.dropped("info", "sampled") == 2 * left_out  # with the line "i"


async def test_lines_in_a_request_tell_its_id(log_to: LogTo) -> None:
    """And lines after it don't."""
    logged = log_to()
    await request(serving(logged), "/orders/1", headers={"X-Request-ID": "mine"})
    get_logger().info("after")
    logging.getLogger("x").info("after")
    *inside, after, after_too = logged.lines()
    assert [line["request_id"] for line in inside] == ["mine"] * 3
    assert "request_id" not in after
    assert "request_id" not in after_too
    assert current_request() is None


@pytest.mark.parametrize("given", ["sk_live_abcdefghijklmnop", "4111111111111111", "010-1234-5678"])
async def test_an_id_that_is_a_key_is_masked(log_to: LogTo, schema: jsonschema_rs.Validator, given: str) -> None:
    """A client may send anything as one, and gets it back all the same; the line fits the schema."""
    logged = log_to()
    answer = await request(serving(logged), "/orders/1", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given
    assert {line["request_id"] for line in logged.lines()} == {"***"}
    for line in logged.lines():
        schema.validate(line)


@pytest.mark.parametrize(
    ("request_id", "written"), [(KEPT, ["i", "w", "request"]), (WARNED_ONLY, ["w"]), (LEFT_OUT, [])]
)
async def test_a_request_is_sampled_as_a_whole(log_to: LogTo, request_id: str, written: list[str]) -> None:
    """By its id, with nested rates, and what is left out is counted."""
    logged = log_to(**PRODUCTION)
    assert await said(logged, "/orders/1", request_id) == written
    assert logged.dropped("debug", "sampled") == 1
    assert logged.dropped("info", "sampled") == 2 - sum(event in written for event in ("i", "request"))
    assert logged.dropped("warning", "sampled") == 1 - ("w" in written)


@pytest.mark.parametrize("how", ["fail=bug", "fail=grave", "wait=1.05"])
async def test_a_request_worth_keeping_is_written_whole_after_all(log_to: LogTo, how: str) -> None:
    """One that failed with 5xx, with an error of severity `error`, or was slow; even its debug lines."""
    logged = log_to(**PRODUCTION)
    assert await said(logged, f"/orders/1?{how}", LEFT_OUT) == ["d", "i", "w", "request"]
    assert [logged.dropped(level, "sampled") for level in ("debug", "info", "warning")] == [0, 0, 0]
    times = [line["timestamp"] for line in logged.lines()]
    assert times == sorted(times)  # of when they were logged


async def test_a_severe_error_is_worth_keeping_whatever_the_answer(log_to: LogTo) -> None:
    """One that the handler has dealt with and recorded."""
    logged = log_to(**PRODUCTION)
    app = FastAPI()
    collector = setup_exception_handler(app, metrics_config=MetricsConfig.testing())
    collector.noted = keeping.note_error
    measure_requests(app, RequestIds(), logged.logs.request_lines())

    @app.get("/")
    async def root() -> str:
        with suppress(ZeroDivisionError), observe_errors("import", collector):
            _ = 1 / 0
        return "all the same"

    result = await request(app, "/", headers={"X-Request-ID": LEFT_OUT})
    assert (result.status, logged.events()) == (200, ["request"])


async def test_a_line_before_the_trace_has_an_id_decides_nothing(log_to: LogTo) -> None:
    """As of a client whose baggage is malformed: the SDK warns while it looks for the trace."""

    class LateTrace(RequestObserver):
        def started(self, request: MeasuredRequest) -> None:
            get_logger("sdk").warning("malformed baggage")
            request.scope["state"]["trace_id"] = LEFT_OUT

    logged = log_to(**PRODUCTION)
    app = FastAPI()
    setup_exception_handler(app, metrics_config=MetricsConfig.testing())
    measure_requests(app, RequestIds(), LateTrace(), logged.logs.request_lines())

    @app.get("/")
    async def root() -> None:
        get_logger("shop").info("i")

    await request(app, "/", headers={"X-Request-ID": KEPT})
    assert logged.events() == ["malformed baggage"]


async def test_a_mild_error_is_sampled(log_to: LogTo) -> None:
    """It is the client's, and usual."""
    logged = log_to(**PRODUCTION)
    assert await said(logged, "/orders/1?fail=mild", LEFT_OUT) == []


async def test_what_is_logged_after_the_answer_goes_with_its_request(log_to: LogTo) -> None:
    """Background tasks run when all is decided."""
    logged = log_to(**PRODUCTION)
    assert await said(logged, "/later", KEPT) == ["request", "background"]
    assert await said(logged, "/later", LEFT_OUT) == ["request", "background"]  # nothing was added


async def test_what_only_a_background_task_logs_is_not_held_for_ever(log_to: LogTo) -> None:
    """The request is over: its lines are left out or written at once, and take up no room."""
    logged = log_to(**PRODUCTION)
    app = FastAPI()
    setup_exception_handler(app, metrics_config=MetricsConfig.testing())
    measure_requests(app, RequestIds(), logged.logs.request_lines())

    @app.get("/")
    async def root(tasks: BackgroundTasks) -> None:
        tasks.add_task(get_logger("shop").info, "later")

    await request(app, "/", headers={"X-Request-ID": LEFT_OUT})
    assert logged.dropped("info", "sampled") == 2
    assert logged.logs._pipeline._room.left == 10_000
    await request(app, "/", headers={"X-Request-ID": KEPT})
    assert logged.events() == ["request", "later"]


async def test_a_message_is_written_once_a_minute_from_one_endpoint(log_to: LogTo) -> None:
    """Not for other endpoints, errors and request lines."""
    logged = log_to(sample_info=1, repeat_seconds=60)
    app = serving(logged)
    for _ in range(3):
        await request(app, "/orders/1")
        get_logger().info("outside")
        get_logger().error("grave")
    events = logged.events()
    assert [events.count(event) for event in ("i", "w", "outside", "grave", "request")] == [1, 1, 1, 3, 3]
    assert logged.dropped("info", "repeated") == 4
    assert logged.dropped("warning", "repeated") == 2


async def test_messages_that_say_different_things_are_not_repeated(log_to: LogTo) -> None:
    """Though their template is the same."""
    logged = log_to(repeat_seconds=60)
    for number in (1, 2, 2):
        logging.getLogger("x").warning("order %d is late", number)
    assert logged.events() == ["order 1 is late", "order 2 is late"]
    assert logged.dropped("warning", "repeated") == 1


async def test_the_memory_of_what_was_said_is_bounded(log_to: LogTo) -> None:
    """The oldest are forgotten, and texts are compared by their beginning."""
    logged = log_to(repeat_seconds=60)
    for number in range(1100):
        get_logger().info(f"{number} {'x' * 5000}")
    get_logger().info(f"0 {'x' * 5000}")
    assert len(logged.lines()) == 1101
    seen = logged.logs._pipeline._sampler._seen
    assert len(seen) == 1000
    assert sum(len(event) for _, event, _ in seen) <= 512 * 1000


async def test_request_lines_and_lines_outside_count_towards_the_limit(
    log_to: LogTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one limit."""
    logged = log_to(info_per_second=3)
    monkeypatch.setattr(logged.logs._pipeline._sampler, "_clock", lambda: 100.0)
    app = serving(logged)
    for _ in range(2):
        await request(app, "/many?number=0")
    for _ in range(4):
        get_logger().info("outside")
    await request(app, "/many?number=0")
    assert logged.events() == ["request", "request", "outside"]
    assert logged.dropped("info", "rate_limited") == 4


async def test_a_repeated_message_is_written_when_its_request_fails(log_to: LogTo) -> None:
    """It was held like any other that was left out."""
    logged = log_to(repeat_seconds=60)
    app = serving(logged)
    await request(app, "/orders/1")
    await request(app, "/orders/1?fail=bug")
    assert logged.events().count("w") == 2


async def test_the_limit_per_second_admits_whole_requests(log_to: LogTo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first may go over it, those after it wait for the next second."""
    logged = log_to(info_per_second=3, repeat_seconds=0)
    now = 100.0
    monkeypatch.setattr(logged.logs._pipeline._sampler, "_clock", lambda: now)
    app = serving(logged)
    for number in (6, 1, 1):
        await request(app, f"/many?number={number}")
    assert logged.events() == [*(f"line {n}" for n in range(6)), "request"]
    assert logged.dropped("info", "rate_limited") == 4
    now = 101.0
    await request(app, "/many?number=1")
    assert logged.events()[-2:] == ["line 0", "request"]


async def test_a_request_holds_its_newest_hundred_lines(log_to: LogTo) -> None:
    """Memory is bounded; the others are counted."""
    logged = log_to(**PRODUCTION)
    events = await said(logged, "/many?number=130&fail=true", LEFT_OUT)
    assert events == [*(f"line {n}" for n in range(30, 130)), "request"]
    assert logged.dropped("info", "sampled") == 30


async def test_all_requests_together_hold_ten_thousand_lines(log_to: LogTo, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many hang."""
    monkeypatch.setattr(keeping, "SLOW_SECONDS", 60)  # on a busy machine this takes its time
    logged = log_to(**PRODUCTION)
    app, log = serving(logged), get_logger()
    gate = asyncio.Event()

    @app.get("/hangs")
    async def hangs() -> None:
        for place in range(90):
            event = f"line {place}"
            log.info(event)
        await gate.wait()

    running = [asyncio.create_task(request(app, "/hangs", headers={"X-Request-ID": f"{LEFT_OUT}"})) for _ in range(120)]
    await asyncio.sleep(0.2)
    assert logged.dropped("info", "sampled") == 120 * 90 - 10_000
    gate.set()
    await asyncio.gather(*running)
    assert logged.dropped("info", "sampled") == 120 * 91
    assert await said(logged, "/many?number=50&fail=true", LEFT_OUT) == [*(f"line {n}" for n in range(50)), "request"]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1::"),
        ("::ffff:203.0.113.77", "::"),
        ("testclient", "***"),
    ],
)
def test_a_masked_address_is_that_of_its_network(address: str, shown: str) -> None:
    """/24 and /48."""
    assert network_of(address) == shown


async def test_the_address_can_be_shown_in_full_or_not_at_all(log_to: LogTo) -> None:
    """LOG_CLIENT_IP."""
    logged = log_to(client_ip="full")
    await request(serving(logged), "/many?number=0")
    assert [line["client_ip"] for line in logged.lines()] == ["192.0.2.1"]
    logged = log_to(client_ip="off")
    await request(serving(logged), "/many?number=0")
    assert "client_ip" not in logged.lines()[1]
