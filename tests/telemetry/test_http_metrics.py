"""The HTTP metrics, read back by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.responses import Response, StreamingResponse

from service.error_metrics.requests import measure_requests
from service.telemetry import HTTPMetrics, set_app_info
from tests.asgi import request


@pytest.fixture
def registry() -> CollectorRegistry:
    """An empty registry."""
    return CollectorRegistry()


@pytest.fixture
def app(registry: CollectorRegistry) -> FastAPI:
    """A measured application."""
    app = FastAPI()
    measure_requests(app, HTTPMetrics(registry, max_endpoints=5))
    router = APIRouter(prefix="/v1")

    @router.get("/orders/{order_id}")
    async def order(order_id: int) -> dict[str, int]:
        return {"id": order_id}

    @router.post("/orders")
    async def place(order: dict[str, int]) -> dict[str, int]:
        return order

    @router.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError

    @router.get("/stream")
    async def stream() -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"part"
            raise RuntimeError

        return StreamingResponse(parts())

    app.include_router(router)
    return app


def count(registry: CollectorRegistry, method: str, endpoint: str, status: int) -> float | None:
    """Return http_requests_total of one series."""
    labels = {"method": method, "endpoint": endpoint, "status_code": str(status)}
    return registry.get_sample_value("http_requests_total", labels)


async def test_requests_are_counted_by_method_template_and_exact_status(
    app: FastAPI, registry: CollectorRegistry
) -> None:
    """Different ids are one endpoint."""
    for number in range(3):
        await request(app, f"/v1/orders/{number}")
    await request(app, "/v1/orders/x")
    assert count(registry, "GET", "/v1/orders/{order_id}", 200) == 3
    assert count(registry, "GET", "/v1/orders/{order_id}", 422) == 1


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "status"),
    [
        ("GET", "/v1/bug", "/v1/bug", 500),
        ("GET", "/v1/stream", "/v1/stream", 500),
        ("DELETE", "/v1/orders", "/v1/orders", 405),
        ("GET", "/none", "/unknown", 404),
        ("PROPFIND", "/none", "/unknown", 404),
    ],
)
async def test_failures_are_counted_as_what_they_are(
    app: FastAPI, registry: CollectorRegistry, method: str, path: str, endpoint: str, status: int
) -> None:
    """Unhandled errors, broken streams, wrong methods, unknown paths and methods."""
    await request(app, path, method)
    assert count(registry, "_OTHER" if method == "PROPFIND" else method, endpoint, status) == 1


async def test_a_client_that_left_is_499(app: FastAPI, registry: CollectorRegistry) -> None:
    """Before its body was complete."""
    await request(app, "/v1/orders", "POST", leave_after=0)
    assert count(registry, "POST", "/v1/orders", 499) == 1


async def test_the_time_is_in_the_histogram(app: FastAPI, registry: CollectorRegistry) -> None:
    """Once for each request, with the bounds that objectives ask about."""
    await request(app, "/v1/orders/1")
    labels = {"method": "GET", "endpoint": "/v1/orders/{order_id}"}
    assert registry.get_sample_value("http_request_duration_seconds_count", labels) == 1
    for bound in ("0.005", "0.1", "0.2", "0.5", "2.0", "5.0", "10.0", "+Inf"):
        assert registry.get_sample_value("http_request_duration_seconds_bucket", {**labels, "le": bound}) is not None


async def test_bytes_are_added_up(app: FastAPI, registry: CollectorRegistry) -> None:
    """Bodies in and out."""
    result = await request(app, "/v1/orders", "POST", json_body={"a": 1})
    assert registry.get_sample_value("http_request_bytes_total") == len(b'{"a": 1}')
    assert registry.get_sample_value("http_response_bytes_total") == len(result.body)


async def test_a_running_request_is_in_progress_until_it_is_over(app: FastAPI, registry: CollectorRegistry) -> None:
    """Also one that fails."""
    running = asyncio.Event()
    go_on = asyncio.Event()

    @app.get("/slow")
    async def slow() -> None:
        running.set()
        await go_on.wait()
        raise ZeroDivisionError

    task = asyncio.create_task(request(app, "/slow"))
    await running.wait()
    assert registry.get_sample_value("http_requests_in_progress", {"method": "GET"}) == 1
    go_on.set()
    await task
    assert registry.get_sample_value("http_requests_in_progress", {"method": "GET"}) == 0


async def test_ten_thousand_scanner_paths_are_one_series(app: FastAPI, registry: CollectorRegistry) -> None:
    """And cost no label value."""
    for number in range(10_000):
        await request(app, f"/admin{number}.php")
    assert count(registry, "GET", "/unknown", 404) == 10_000
    endpoints = {
        sample.labels["endpoint"]
        for family in registry.collect()
        for sample in family.samples
        if "endpoint" in sample.labels
    }
    assert endpoints == {"/unknown"}


async def test_endpoints_past_the_limit_are_other(registry: CollectorRegistry) -> None:
    """Each of their requests is counted, and that it had no room too."""
    app = FastAPI()
    measure_requests(app, HTTPMetrics(registry, max_endpoints=3))
    for number in range(5):
        app.add_api_route(f"/route{number}", lambda: "fine", methods=["GET"])
    for _ in range(2):
        for number in range(5):
            await request(app, f"/route{number}")
    assert count(registry, "GET", "/route0", 200) == 2
    assert count(registry, "GET", "/route4", 200) is None
    assert count(registry, "GET", "/other", 200) == 6
    assert registry.get_sample_value("http_label_overflow_total") == 6
    labels = {"method": "GET", "endpoint": "/other"}
    assert registry.get_sample_value("http_request_duration_seconds_count", labels) == 6


def test_what_is_not_asgi_can_be_counted_too(registry: CollectorRegistry) -> None:
    """By the same names."""
    HTTPMetrics(registry).count("GET", "/rpc", 200, 0.02)
    assert count(registry, "GET", "/rpc", 200) == 1


def test_app_info_has_the_facts_as_labels(registry: CollectorRegistry) -> None:
    """Its value is 1."""
    set_app_info(registry, version="1.2.3", environment="staging")
    assert registry.get_sample_value("app_info", {"version": "1.2.3", "environment": "staging"}) == 1
