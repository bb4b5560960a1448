"""A span for each request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, Request
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry
from starlette.responses import StreamingResponse

from service.error_metrics import BaseAppException, MetricsConfig, setup_exception_handler
from service.error_metrics.requests import measure_requests
from service.telemetry import HTTPMetrics
from service.telemetry.keeping import MARKED_FRACTION, fraction
from service.telemetry.request_id import RequestIds
from service.telemetry.tracing import get_tracer, setup_tracing
from tests.asgi import request, scope_of

from .conftest import Traced

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def metrics() -> CollectorRegistry:
    """Where the HTTP metrics of `app` are."""
    return CollectorRegistry()


@pytest.fixture
def app(traced: Traced, metrics: CollectorRegistry) -> FastAPI:
    """An application that is traced."""
    app, router = FastAPI(), APIRouter(prefix="/v1")
    setup_exception_handler(app, metrics_config=MetricsConfig.testing())
    measure_requests(app, RequestIds(), traced.tracing.server_spans(), HTTPMetrics(metrics))

    @router.get("/items/{item}")
    async def item(item: str, request: Request) -> dict[str, str]:
        return {"item": item, "trace_id": request.state.trace_id, "span_id": request.state.span_id}

    @router.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError("no card 4111 1111 1111 1111")

    @router.get("/error")
    async def error() -> None:
        raise BaseAppException(990, "out of stock", status_code=409)

    @router.get("/broken")
    async def broken() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a"
            raise RuntimeError("broke")

        return StreamingResponse(parts())

    @router.get("/endless")
    async def endless() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(1000):
                yield b"a"
                await asyncio.sleep(0.001)

        return StreamingResponse(parts())

    @router.get("/later")
    async def later(tasks: BackgroundTasks) -> None:
        tasks.add_task(asyncio.sleep, 0.2)

    @router.get("/inner")
    async def inner() -> None:
        with get_tracer().start_as_current_span("score"):
            pass

    app.include_router(router)
    return app


async def span_of(app: FastAPI, traced: Traced, path: str, headers: dict[str, str] | None = None) -> ReadableSpan:
    """Return the span of one request."""
    await request(app, path, headers=headers, leave_after=3 if "endless" in path else None)
    return traced.spans()[-1]


async def test_it_tells_what_was_asked_and_how_it_ended(app: FastAPI, traced: Traced) -> None:
    """By the names of OpenTelemetry's conventions, without query and headers."""
    span = await span_of(app, traced, "/v1/items/17?token=hunter2", {"X-Request-ID": "mine"})
    assert (span.name, span.kind) == ("GET /v1/items/{item}", trace.SpanKind.SERVER)
    assert (
        dict(span.attributes or {}).items()
        >= {
            "http.request.method": "GET",
            "http.route": "/v1/items/{item}",
            "http.response.status_code": 200,
            "url.path": "/v1/items/17",
            "url.scheme": "http",
            "request.id": "mine",
        }.items()
    )
    assert "hunter2" not in span.to_json()
    assert span.status.status_code is StatusCode.UNSET
    assert span.resource.attributes["service.name"] == "till"
    assert span.resource.attributes["service.version"] == "2.0"
    assert span.resource.attributes["deployment.environment.name"] == "staging"


async def test_it_continues_the_clients_trace(app: FastAPI, traced: Traced) -> None:
    """And the application knows the ids."""
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=b"}
    answer = await request(app, "/v1/items/1", headers=headers)
    (span,) = traced.spans()
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE == answer.json()["trace_id"]
    assert f"{span.parent.span_id:016x}" == PARENT
    assert f"{span.context.span_id:016x}" == answer.json()["span_id"]
    assert span.context.trace_state.get("a") == "b"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        f"00-{TRACE}-{PARENT}",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        "é" * 60,
        "0" * 10_000,
    ],
)
async def test_a_malformed_parent_begins_a_new_trace(app: FastAPI, traced: Traced, given: str) -> None:
    """The request is none the worse."""
    span = await span_of(app, traced, "/v1/items/1", {"traceparent": given})
    assert span.parent is None
    assert span.context is not None
    assert span.context.is_valid


async def test_two_parents_are_none(app: FastAPI, traced: Traced) -> None:
    """W3C Trace Context, section 3.2.2."""
    scope = scope_of("/v1/items/1")
    scope["headers"] += [(b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())] * 2

    async def nothing() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(_: object) -> None:
        pass

    await app(scope, nothing, send)
    assert traced.spans()[0].parent is None


async def test_a_client_does_not_switch_off_traces(app: FastAPI, traced: Traced) -> None:
    """It could hide its own errors."""
    await request(app, "/v1/bug", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    assert [span.name for span in traced.spans()] == ["GET /v1/bug"]


async def test_a_sampler_may_follow_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is sent, and there is no exemplar that leads nowhere, but logs and errors know the trace."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_on")
    traced, app, metrics = Traced(), FastAPI(), CollectorRegistry()
    setup_exception_handler(app, metrics_config=MetricsConfig.testing())
    measure_requests(app, RequestIds(), traced.tracing.server_spans(), HTTPMetrics(metrics))
    answer = await request(app, "/nope", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    assert answer.json()["trace_id"] == TRACE
    assert traced.spans() == []
    assert exemplars(metrics) == []
    assert traced.tracing.close()


async def test_an_exception_that_can_not_say_what_it_is_ends_its_span(app: FastAPI, traced: Traced) -> None:
    """In error, with its type."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    @app.get("/mute")
    async def mute() -> None:
        raise Mute

    span = await span_of(app, traced, "/mute")
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "Mute"


async def test_what_the_client_chooses_is_masked(app: FastAPI, traced: Traced) -> None:
    """Its path is not cut within a secret, and its tracestate is not sent with one."""
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "u=jane.doe@example.com,c=4111111111111111"}
    span = await span_of(app, traced, f"/v1/items/{'a' * 4070}/jane.doe@example.com", headers)
    assert "jane" not in span.to_json()
    assert span.context is not None
    assert len(span.context.trace_state) == 0


async def test_only_our_own_spans_are_trusted_with_names(traced: Traced) -> None:
    """Somebody else's may call anything `http.route`."""
    with get_tracer("theirs").start_as_current_span("for jane.doe@example.com") as span:
        span.set_attributes({"http.route": "jane.doe@example.com", "error.type": "4111111111111111"})
    assert "jane" not in (text := traced.spans()[0].to_json())
    assert "4111" not in text


@pytest.mark.parametrize(
    ("path", "status", "error", "told"),
    [
        ("/v1/bug", 500, "ZeroDivisionError", "ZeroDivisionError: no card ***"),
        ("/v1/broken", 500, "RuntimeError", "RuntimeError: broke"),
        ("/v1/error", 409, None, "out of stock"),
        ("/nope", 404, None, "Not Found"),
        ("/v1/endless", 499, None, None),
    ],
)
async def test_errors_are_told(
    app: FastAPI, traced: Traced, path: str, status: int, error: str | None, told: str | None
) -> None:
    """Masked; the span is in error when the service was, not when the client was."""
    span = await span_of(app, traced, path)
    attributes = span.attributes or {}
    assert (attributes["http.response.status_code"], attributes.get("error.type")) == (status, error)
    assert span.status.status_code is (StatusCode.ERROR if error else StatusCode.UNSET)
    assert [(event.attributes or {})["exception.message"] for event in span.events] == ([told] if told else [])
    assert "/test_server_spans.py" not in span.to_json()  # no traceback


async def test_it_ends_with_the_answer(app: FastAPI, traced: Traced) -> None:
    """Background tasks are not part of it."""
    span = await span_of(app, traced, "/v1/later")
    assert span.end_time is not None
    assert span.start_time is not None
    assert span.end_time - span.start_time < 150_000_000


async def test_it_is_the_parent_of_what_the_application_does(app: FastAPI, traced: Traced) -> None:
    """And of nothing after the request."""
    await request(app, "/v1/inner")
    inner, outer = traced.spans()
    assert inner.parent is not None
    assert outer.context is not None
    assert (inner.name, inner.parent.span_id) == ("score", outer.context.span_id)
    assert not trace.get_current_span().get_span_context().is_valid


def traced_as(low: float, high: float) -> str:
    """Return a trace id whose fraction lies between the two."""
    return next(name for number in range(1, 10_000) if low <= fraction(name := f"{number:032x}") < high)


MARKED, UNMARKED = traced_as(0, MARKED_FRACTION), traced_as(MARKED_FRACTION, 1)


def exemplars(metrics: CollectorRegistry) -> list[str]:
    """Return the trace ids of all exemplars."""
    samples = (sample for family in metrics.collect() for sample in family.samples)
    return [sample.exemplar.labels["trace_id"] for sample in samples if sample.exemplar]


@pytest.mark.parametrize(
    ("trace_id", "path", "kept"),
    [
        (MARKED, "/v1/items/1", True),
        (UNMARKED, "/v1/items/1", False),
        (UNMARKED, "/v1/bug", True),
        (UNMARKED, "/v1/error", False),
    ],
)
async def test_exemplars_are_of_traces_that_are_kept(
    app: FastAPI, traced: Traced, metrics: CollectorRegistry, trace_id: str, path: str, kept: bool
) -> None:
    """Those that are marked, which the collector keeps, and those in error."""
    span = await span_of(app, traced, path, {"traceparent": f"00-{trace_id}-{PARENT}-01"})
    assert exemplars(metrics) == ([trace_id] if kept else [])
    marked = (span.attributes or {}).get("sampling.marked", False)
    assert kept == (marked or span.status.status_code is StatusCode.ERROR)


async def test_without_the_sdk_there_is_no_trace_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of nothing but zeros would join all requests, and sample them alike."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    tracing = setup_tracing({}, exporter=InMemorySpanExporter())
    app = FastAPI()
    measure_requests(app, RequestIds(), tracing.server_spans())
    states: list[dict[str, object]] = []

    @app.get("/")
    async def root(asked: Request) -> None:
        states.append(dict(asked.scope["state"]))

    await request(app, "/")
    assert "trace_id" not in states[0]
    assert tracing.close()
