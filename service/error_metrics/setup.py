"""Putting the module's parts into an application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from .collector import ErrorMetricsCollector
from .config import MetricsConfig
from .dashboard import DashboardAPI
from .jobs import set_default_collector
from .measurement import Measurement
from .page import dashboard_page
from .prometheus import PrometheusExporter
from .registry import ExceptionRegistry, default_registry
from .requests import measure_requests
from .routes import taken
from .sentry import init_sentry
from .sentry_trail import RequestTrails
from .summary import RequestSummary

API_PATH = "/api/metrics"
PAGE_PATH = "/dashboard"
EXPOSITION = "error_metrics_exposition"  # name of the route that Prometheus scrapes


def setup_metrics(
    app: FastAPI,
    config: MetricsConfig | None = None,
    *,
    prometheus_registry: CollectorRegistry | None = None,
    catalogue: ExceptionRegistry = default_registry,
    serve_on: FastAPI | None = None,
) -> ErrorMetricsCollector:
    """Add collection, `/metrics`, `/api/metrics` and `/dashboard` to `app`; a disabled config adds nothing at all.

    Args:
        app: the application, before its first request.
        config: what is collected and served.
        prometheus_registry: where series are registered; by default a registry of the application's own.
        catalogue: known codes, for names on the dashboard.
        serve_on: the application that gets the routes, for example one on a port of its own; by default `app`.

    Returns:
        The collector, which is also `app.state.error_metrics`; `app.state.sentry` is the `SentryIntegration` or None.

    Raises:
        ValueError: the application has a path already, or Sentry is enabled and its SDK is not installed.
        RuntimeError: the application serves already, or has been set up before.
    """
    config = config or MetricsConfig()
    if getattr(app.state, "error_metrics", None) is not None:
        raise RuntimeError("setup_metrics: this application has been set up before")
    monitoring = serve_on or app
    refuse_taken(monitoring.routes, config)
    exporter = _exporter(config, prometheus_registry)
    collector = ErrorMetricsCollector(config, exporter)
    app.state.sentry = collector.reporter = init_sentry(config, exporter, catalogue)
    app.state.error_metrics = collector
    set_default_collector(collector)
    if config.enabled:
        if collector.shared is not None:
            _share_while_serving(app, collector)
        measurement = _observe_and_serve(app, monitoring, collector, catalogue)
        if serve_on is None:
            _leave_out_own_routes(measurement, config)
    return collector


def refuse_taken(routes: Sequence[BaseRoute], config: MetricsConfig) -> None:
    """Refuse routes of the application's own that have the paths of the module's: one of the two would be hidden.

    Raises:
        ValueError: a path is taken; the message names the setting.
    """
    if not config.enabled:
        return
    if config.prometheus_enabled and taken(routes, config.prometheus_path):
        raise ValueError(f"prometheus_path: the application has {config.prometheus_path} already, choose another path")
    for path in (PAGE_PATH, API_PATH):
        if config.dashboard_enabled and taken(routes, path):
            raise ValueError(f"dashboard_enabled: the application has {path} already, move it or set this to false")


def _observe_and_serve(
    app: FastAPI, monitoring: FastAPI, collector: ErrorMetricsCollector, catalogue: ExceptionRegistry
) -> Measurement:
    config = collector.config
    measurement = measure_requests(app)
    measurement.lose = collector.lose
    if collector.reporter is not None:
        measurement.add(RequestTrails())
    if collector.exporter is not None:
        _serve_exposition(monitoring, collector.exporter, config.prometheus_path)
    if config.dashboard_enabled:
        summary = RequestSummary()
        measurement.add(summary)
        _serve_dashboard(monitoring, DashboardAPI(collector, summary, catalogue))
    return measurement


def _exporter(config: MetricsConfig, registry: CollectorRegistry | None) -> PrometheusExporter | None:
    wanted = config.enabled and config.prometheus_enabled
    return PrometheusExporter(config, registry) if wanted else None


def _share_while_serving(app: FastAPI, collector: ErrorMetricsCollector) -> None:
    """Read what others have counted before the first request, and publish the rest after the last."""
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def sharing(served: Any) -> AsyncIterator[Any]:
        if collector.shared is not None:
            collector.shared.start()
        async with lifespan(served) as state:
            yield state
        await asyncio.to_thread(collector.close)

    app.router.lifespan_context = sharing


def _serve_exposition(app: FastAPI, exporter: PrometheusExporter, path: str) -> None:
    async def metrics(request: Request) -> Response:
        # In a thread, so that a large registry costs other requests turns of the interpreter, not a standstill.
        accept = request.headers.get("accept", "")
        body, content_type = await asyncio.to_thread(exporter.exposition, accept)
        return Response(body, headers={"content-type": content_type})

    app.add_route(path, metrics, methods=["GET"], name=EXPOSITION, include_in_schema=False)


def _serve_dashboard(app: FastAPI, api: DashboardAPI) -> None:
    app.include_router(api.router, prefix=API_PATH)
    page = dashboard_page(API_PATH, guarded=api.guarded)
    app.add_route(PAGE_PATH, page, methods=["GET"], include_in_schema=False)


def _leave_out_own_routes(measurement: Measurement, config: MetricsConfig) -> None:
    if config.prometheus_enabled:
        measurement.leave_out(config.prometheus_path)
    if config.dashboard_enabled:
        measurement.leave_out(PAGE_PATH)
        measurement.leave_out_below(API_PATH)
