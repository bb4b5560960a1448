"""Calls to other services."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI, Request
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry

from service.error_metrics.requests import measure_requests
from service.telemetry.clients import ClientMetrics, make_client
from service.telemetry.request_id import RequestIds
from service.telemetry.tracing import get_tracer
from tests.asgi import request

from .tracing.conftest import Traced, traced

__all__ = ["traced"]


def called(registry: CollectorRegistry, status: str, method: str = "GET") -> float:
    """Return how many calls had a status."""
    labels = {"peer": "fds", "method": method, "status_code": status}
    return registry.get_sample_value("http_client_requests_total", labels) or 0


@pytest.fixture
def peer() -> FastAPI:
    """The other service."""
    app = FastAPI()

    @app.get("/headers")
    async def headers(request: Request) -> dict[str, str]:
        return dict(request.headers)

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(5)

    return app


@pytest.fixture
def registry() -> CollectorRegistry:
    """Where the metrics are."""
    return CollectorRegistry()


@pytest.fixture
def client(peer: FastAPI, registry: CollectorRegistry, traced: Traced) -> httpx.AsyncClient:
    """A client of it, in this process."""
    return make_client(
        "fds",
        "http://fds.example",
        timeout=1,
        metrics=ClientMetrics(registry),
        spans=traced.tracing.child_spans(),
        transport=httpx.ASGITransport(peer),
    )


async def test_calls_are_counted_and_timed(client: httpx.AsyncClient, registry: CollectorRegistry) -> None:
    """By peer, method and exact status."""
    await client.get("/headers")
    await client.get("/nope")
    await client.request("BREW", "/headers")
    assert (called(registry, "200"), called(registry, "404"), called(registry, "405", "_OTHER")) == (1, 1, 1)
    labels = {"peer": "fds", "method": "GET"}
    assert registry.get_sample_value("http_client_request_duration_seconds_count", labels) == 2


async def test_a_call_without_an_answer_is_counted(registry: CollectorRegistry) -> None:
    """As status none."""
    client = make_client("fds", "http://127.0.0.1:9", timeout=1, metrics=ClientMetrics(registry))
    with pytest.raises(httpx.ConnectError):
        await client.get("/")
    await client.aclose()
    assert called(registry, "none") == 1


async def test_a_call_that_is_given_up_is_counted(client: httpx.AsyncClient, registry: CollectorRegistry) -> None:
    """It took its time, too."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.get("/slow")
    assert called(registry, "none") == 1


async def test_the_requests_id_is_passed_on(client: httpx.AsyncClient) -> None:
    """So that the other service logs the same."""
    app = FastAPI()
    measure_requests(app, RequestIds())

    @app.get("/")
    async def ask() -> dict[str, str]:
        told: dict[str, str] = (await client.get("/headers")).json()
        return told

    answer = await request(app, "/", headers={"X-Request-ID": "mine"})
    assert answer.json()["x-request-id"] == "mine"
    assert "x-request-id" not in (await client.get("/headers")).json()


async def test_the_trace_is_passed_on(client: httpx.AsyncClient, traced: Traced) -> None:
    """The other service's parent is the span of the call."""
    with get_tracer().start_as_current_span("checkout") as checkout:
        told = (await client.get("/headers?card=4111")).json()["traceparent"].split("-")
    span, _ = traced.spans()
    assert span.context is not None
    assert told[1:3] == [f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"]
    assert int(told[3], 16) & 1  # sampled
    assert span.parent == checkout.get_span_context()
    assert (span.name, dict(span.attributes or {})) == (
        "GET fds",
        {
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "server.address": "fds.example",
            "url.path": "/headers",
            "peer.service": "fds",
        },
    )


async def test_a_failed_call_is_a_span_in_error(traced: Traced) -> None:
    """With the type of what went wrong."""
    client = make_client("fds", "http://127.0.0.1:9", timeout=1, spans=traced.tracing.child_spans())
    with get_tracer().start_as_current_span("checkout"), pytest.raises(httpx.ConnectError):
        await client.get("/")
    await client.aclose()
    span, _ = traced.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "ConnectError"


async def test_a_call_that_is_given_up_is_a_span_in_error(client: httpx.AsyncClient, traced: Traced) -> None:
    """It has ended, though nobody waited for it."""
    with get_tracer().start_as_current_span("checkout"), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.get("/slow")
    span, _ = traced.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "CancelledError"


async def test_without_anybody_to_tell_it_is_a_plain_client(peer: FastAPI) -> None:
    """Neither metrics nor traces are on."""
    client = make_client("fds", "http://fds.example", timeout=1, transport=httpx.ASGITransport(peer))
    assert "traceparent" not in (await client.get("/headers")).json()
    await client.aclose()
