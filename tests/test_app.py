"""The service as a whole."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest
from fastapi import FastAPI, Response
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.app import Telemetry, create_app, create_service
from service.error_metrics import MetricsConfig, sentry
from service.settings import Settings
from service.telemetry.tracing import setup_tracing
from tests.asgi import request, start
from tests.sentry_server import sentry_server


def make_app(tmp_path: Path, **settings: object) -> FastAPI:
    """Return the service on a database of its own."""
    url = f"sqlite+aiosqlite:///{tmp_path}/shop.db"
    return create_app(Settings(**{"database_url": url, **settings}))


async def test_it_is_healthy_and_ready(tmp_path: Path) -> None:
    """With its name, version and environment."""
    app = make_app(tmp_path, app_version="1.2.3")
    stop = await start(app)
    health = (await request(app, "/health")).json()
    assert (health["status"], health["service"], health["version"]) == ("healthy", "shop", "1.2.3")
    assert (health["environment"], "timestamp" in health) == ("development", True)
    assert (await request(app, "/health/live")).json() == {"status": "alive"}
    ready = (await request(app, "/health/ready")).json()
    assert (ready["status"], ready["checks"]["database"]["status"]) == ("ready", "ok")
    await stop()


async def test_it_is_not_ready_without_its_database(tmp_path: Path) -> None:
    """But alive: a restart would not help."""
    app = make_app(tmp_path)
    (tmp_path / "shop.db").mkdir()
    result = await request(app, "/health/ready")
    assert (result.status, result.json()["status"]) == (503, "not_ready")
    assert result.json()["checks"]["database"]["status"] == "failed"
    assert (await request(app, "/health/live")).status == 200
    await asyncio.sleep(0.1)  # the driver's thread reports its failure a second time


async def test_probes_and_scrapes_are_not_counted(tmp_path: Path) -> None:
    """Nor is the module's own dashboard."""
    app = make_app(tmp_path)
    stop = await start(app)
    for path in ("/health", "/health/live", "/health/ready", "/metrics", "/dashboard", "/api/metrics/summary"):
        await request(app, path)
    text = (await request(app, "/metrics")).text
    assert "http_requests_total{" not in text
    assert "http_requests_in_progress{" not in text
    assert 'app_info{environment="development",version="0.1.0"} 1.0' in text
    assert "_created" not in text
    await stop()


async def test_the_process_shows_its_limits_its_lag_and_its_dependencies(tmp_path: Path) -> None:
    """From the start."""
    app = make_app(tmp_path)
    stop = await start(app)
    text = (await request(app, "/metrics")).text
    for line in ('dependency_up{dependency="database"} 1.0', 'dependency_up{dependency="schema"} 1.0'):
        assert line in text
    for name in ("process_cpu_limit_cores ", "process_memory_limit_bytes ", "event_loop_lag_seconds_count "):
        assert f"\n{name}" in text
    await stop()


async def test_errors_and_requests_are_in_one_scrape(tmp_path: Path) -> None:
    """And agree."""
    app = make_app(tmp_path)
    stop = await start(app)
    await request(app, "/v1/products/999")
    await request(app, "/nowhere")
    text = (await request(app, "/metrics")).text
    assert 'fastapi_errors_total{error_code="301",error_domain="RESOURCE",status_code="404"} 1.0' in text
    assert 'http_requests_total{endpoint="/v1/products/{product_id}",method="GET",status_code="404"} 1.0' in text
    assert 'http_requests_total{endpoint="/unknown",method="GET",status_code="404"} 1.0' in text
    await stop()


async def test_an_error_that_is_recorded_in_a_request_names_the_request(tmp_path: Path) -> None:
    """Though the request is answered with something else; one recorded outside names none."""
    app = make_app(tmp_path, metrics=MetricsConfig.testing())

    @app.get("/things/{thing}")
    async def thing(thing: str) -> str:
        app.state.error_metrics.record(KeyError(thing))
        return thing

    await request(app, "/things/7", headers={"x-request-id": "mine"})
    app.state.error_metrics.record(KeyError("outside"))
    outside, inside = (await request(app, "/api/metrics/recent")).json()["recent_errors"]
    names = ("method", "path", "request_id")
    assert [inside[name] for name in names] == ["GET", "/things/{thing}", "mine"]
    assert [outside[name] for name in names] == [None] * 3


async def test_fault_switches_exist_only_where_they_are_enabled(tmp_path: Path) -> None:
    """404 elsewhere."""
    assert (await request(make_app(tmp_path), "/v1/faults")).status == 404


async def test_the_front_door_leads_to_the_documentation(tmp_path: Path) -> None:
    """Whoever opens the address sees something."""
    result = await request(make_app(tmp_path), "/")
    assert (result.status, result.headers["location"]) == (307, "docs")


@pytest.mark.parametrize(
    ("settings", "links"),
    [
        ({}, ["dashboard", "metrics"]),
        ({"metrics": MetricsConfig(dashboard_enabled=False, prometheus_path="/internal/prom")}, ["internal/prom"]),
        ({"metrics": MetricsConfig(prometheus_enabled=False)}, ["dashboard"]),
        ({"metrics": MetricsConfig.disabled()}, []),
        ({"management_port": 9000}, []),
    ],
)
async def test_the_documentation_links_to_what_is_there(
    tmp_path: Path, settings: dict[str, object], links: list[str]
) -> None:
    """And to nothing else."""
    app = make_app(tmp_path, **settings)
    described = (await request(app, "/openapi.json")).json()["info"]["description"]
    assert re.findall(r"\]\((.*?)\)", described) == links
    for link in links:
        assert (await request(app, f"/{link}")).status == 200


async def test_a_route_of_the_services_own_cannot_hide_the_dashboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor be hidden by it, when it is added after the metrics are set up."""

    async def own(_: object) -> Response:
        return Response("own")

    monkeypatch.setattr("service.app._limit_requests", lambda app, _: app.add_route("/dashboard", own))
    with pytest.raises(ValueError, match="dashboard_enabled: the application has /dashboard already"):
        make_app(tmp_path)


@pytest.mark.parametrize("metrics", [MetricsConfig.disabled(), MetricsConfig(prometheus_enabled=False)])
async def test_it_works_with_its_metrics_off(tmp_path: Path, metrics: MetricsConfig) -> None:
    """All or in part."""
    app = make_app(tmp_path, metrics=metrics)
    stop = await start(app)
    assert (await request(app, "/v1/products")).status == 200
    assert (await request(app, "/metrics")).status == 404
    await stop()


async def test_production_answers_show_nothing_of_the_inside(tmp_path: Path) -> None:
    """Neither exception nor traceback."""
    metrics = MetricsConfig.production()
    app = make_app(tmp_path, environment="production", fingerprint_key="0123456789abcdef", metrics=metrics)
    stop = await start(app)
    app.state.shop.catalogue = None
    result = await request(app, "/v1/products")
    await stop()
    assert (result.status, result.json()["error_code"]) == (500, 599)
    assert "debug" not in result.json()
    assert "NoneType" not in result.text


async def test_other_pages_may_call_the_api_only_when_they_are_named(tmp_path: Path) -> None:
    """CORS is off by default; a preflight is answered, and the request's id can be read."""
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "GET"}
    closed = await request(make_app(tmp_path), "/v1/products", "OPTIONS", headers=asked)
    assert "access-control-allow-origin" not in closed.headers
    app = make_app(tmp_path, cors_origins=["https://page.example"])
    preflight = await request(app, "/v1/products", "OPTIONS", headers=asked)
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (200, "https://page.example")
    answer = await request(app, "/nowhere", headers={"Origin": "https://page.example"})
    assert answer.headers["access-control-expose-headers"] == "X-Request-ID"


@pytest.mark.parametrize("wanted", [True, False])
async def test_security_headers_can_be_switched_off(tmp_path: Path, wanted: bool) -> None:
    """Where a proxy sets them."""
    app = make_app(tmp_path, security_headers=wanted)
    assert ("x-content-type-options" in (await request(app, "/nowhere")).headers) is wanted


async def test_requests_are_limited_as_the_settings_say(tmp_path: Path) -> None:
    """In size by default, in time on demand."""
    app = make_app(tmp_path, max_body_bytes=1000, request_timeout_seconds=0.2)
    assert (await request(app, "/v1/users", "POST", json_body={"a": "x" * 1000})).status == 413

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(5)

    assert (await request(app, "/slow")).status == 504
    open_to_all = make_app(tmp_path, max_body_bytes=0)
    assert (await request(open_to_all, "/v1/users", "POST", json_body={"a": "x" * 2_000_000})).status == 422


@pytest.mark.parametrize(("fault", "arrived"), [("", 1), ("hang", 0)])
async def test_what_was_not_reported_yet_is_sent_when_the_service_stops(
    tmp_path: Path, fault: str, arrived: int
) -> None:
    """In bounded time, also when Sentry hangs."""
    with sentry_server(fault) as server:
        app = make_app(tmp_path, metrics=MetricsConfig(sentry_enabled=True, sentry_dsn=server.dsn))
        stop = await start(app)
        app.state.shop.catalogue = None
        assert (await request(app, "/v1/products")).status == 500
        started = time.monotonic()
        await stop()
        assert time.monotonic() - started < 10
        assert len(server.events) == arrived
        assert app.state.sentry.counts.dropped["shutdown"] == 1 - arrived


async def test_spans_go_to_opentelemetry_alone_when_it_is_on(tmp_path: Path) -> None:
    """And an error's report carries the same trace and span as the request's span."""
    spans = InMemorySpanExporter()
    with sentry_server() as server:
        metrics = MetricsConfig(sentry_enabled=True, sentry_dsn=server.dsn, sentry_traces_sample_rate=1)
        settings = Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db", metrics=metrics)
        tracing = setup_tracing({"service": "shop"}, exporter=spans)
        app = create_service(settings, Telemetry(tracing=tracing)).app

        @app.get("/fails")
        async def fails() -> None:
            with sentry.start_transaction("evaluate"):
                raise ZeroDivisionError

        await request(app, "/fails")
        assert app.state.sentry.flush(5)
        tracing.close()
    (span,) = [one for one in spans.get_finished_spans() if one.name == "GET /fails"]
    (event,) = server.events
    ids = f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"
    assert (event["contexts"]["trace"]["trace_id"], event["contexts"]["trace"]["span_id"]) == ids
    assert event["tags"]["trace_id"] == ids[0]
    assert server.items("transaction") == []
