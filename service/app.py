"""The only place where the parts of the service meet."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from prometheus_client import disable_created_metrics
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

from service import shop  # SAMPLE
from service.database import is_sqlite, make_engine
from service.error_metrics import MetricsConfig, setup_exception_handler
from service.error_metrics.requests import measure_requests
from service.error_metrics.routes import taken
from service.error_metrics.setup import EXPOSITION
from service.migrations import upgrade
from service.probes import checks
from service.request_limits import BodyLimit, TimeLimit
from service.settings import Settings
from service.telemetry import (
    DependencyUp,
    EventLoopLag,
    HTTPMetrics,
    ProcessLimits,
    Readiness,
    RequestIds,
    SecurityHeaders,
    health_router,
    set_app_info,
)
from service.telemetry.health import PATHS as PROBES


class Service(NamedTuple):
    """What is served: the API, and its metrics, dashboard and health, alone if they have a port of their own."""

    app: FastAPI
    management: FastAPI | None
    readiness: Readiness


def create_app(settings: Settings) -> FastAPI:
    """Return the application of the API, not yet started; see `create_service`."""
    return create_service(settings).app


def create_service(settings: Settings) -> Service:
    """Return the service with everything that `settings` ask for, not yet started.

    Raises:
        ValueError: settings don't go together.
    """
    engine = make_engine(settings.database_url)
    readiness = Readiness(checks(engine, settings.readiness_required))
    app = FastAPI(
        title=settings.service_name,
        version=settings.app_version,
        lifespan=_lifespan(engine, readiness),
        description=_DESCRIPTION if settings.management_port is None else "The sample shop.",
    )
    management = None if settings.management_port is None else _management_app(settings)
    _observe(app, management, settings, readiness)
    router = health_router(settings.service_name, settings.app_version, settings.environment, readiness)
    (management or app).include_router(router)
    _limit_requests(app, settings)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["X-Request-ID"],
        )
    app.add_route("/", _to_docs, include_in_schema=False)
    shop.install(app, engine, faults_enabled=settings.faults_enabled)  # SAMPLE
    _refuse_taken_path((management or app).routes, settings.metrics)
    return Service(app, management, readiness)


def _management_app(settings: Settings) -> FastAPI:
    return FastAPI(title=f"{settings.service_name}: metrics and health", version=settings.app_version)


def _observe(app: FastAPI, management: FastAPI | None, settings: Settings, readiness: Readiness) -> None:
    answers = settings.error_handling.model_copy(update={"locale_dirs": (shop.LOCALES,)})
    collector = setup_exception_handler(app, answers, settings.metrics, serve_on=management)
    measurement = measure_requests(app, RequestIds())
    if settings.security_headers:
        measurement.add(SecurityHeaders())
    if management is None:
        measurement.leave_out(*PROBES)
    if collector.exporter is not None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which nothing here reads
        registry = collector.exporter.registry
        measurement.add(HTTPMetrics(registry))
        set_app_info(registry, version=settings.app_version, environment=settings.environment)
        ProcessLimits(registry)
        app.state.watchers = (EventLoopLag(registry), DependencyUp(readiness, registry))


def _limit_requests(app: FastAPI, settings: Settings) -> None:
    if settings.max_body_bytes:
        app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    if settings.request_timeout_seconds:
        app.add_middleware(TimeLimit, limit=settings.request_timeout_seconds, handler=app.state.error_handler)


def _refuse_taken_path(routes: Sequence[BaseRoute], metrics: MetricsConfig) -> None:
    others = [route for route in routes if getattr(route, "name", "") != EXPOSITION]
    if metrics.enabled and metrics.prometheus_enabled and taken(others, metrics.prometheus_path):
        raise ValueError(f"prometheus_path: {metrics.prometheus_path} is taken, choose another METRICS_PROMETHEUS_PATH")


def _lifespan(engine: AsyncEngine, readiness: Readiness) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if is_sqlite(engine):  # nobody else uses the file; elsewhere `python -m service migrate` goes first
            await upgrade(engine)
            await shop.seed(engine)  # SAMPLE
        readiness.started = True
        async with AsyncExitStack() as watching:
            for watcher in getattr(app.state, "watchers", ()):
                await watching.enter_async_context(watcher.watching())
            yield
        if app.state.sentry is not None:
            await to_thread(app.state.sentry.close)
        await engine.dispose()

    return lifespan


async def _to_docs(_: object) -> RedirectResponse:
    return RedirectResponse("docs")


_DESCRIPTION = "The sample shop. Errors are on [/dashboard](/dashboard), metrics on [/metrics](/metrics)."
