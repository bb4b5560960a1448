"""The only place where the parts of the service meet."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from prometheus_client import CollectorRegistry, disable_created_metrics
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.middleware.cors import CORSMiddleware

from service import shop  # SAMPLE
from service.database import close_engine, is_sqlite, make_engine
from service.error_metrics import ErrorMetricsCollector, setup_exception_handler
from service.error_metrics.requests import measure_requests
from service.error_metrics.setup import refuse_taken
from service.migrations import upgrade
from service.probes import checks
from service.redis_pool import make_redis
from service.request_limits import BodyLimit, TimeLimit
from service.resources import Resources
from service.settings import Settings
from service.shop_with_fds import install_samples  # SAMPLE
from service.telemetry import HTTPMetrics, Readiness, health_router, instrument_database, set_app_info
from service.telemetry.api_keys import APIKeys
from service.telemetry.dependencies import DependencyUp
from service.telemetry.event_loop import EventLoopLag
from service.telemetry.health import PATHS as PROBES
from service.telemetry.keeping import context_at_hand, note_error
from service.telemetry.limits import export_limits
from service.telemetry.record import count_requests_in
from service.telemetry.request_id import RequestIds
from service.telemetry.security_headers import SecurityHeaders

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from service.telemetry.logs import Logs
    from service.telemetry.tracing import Tracing


class Telemetry(NamedTuple):
    """What is set up once for a process, before there is an application."""

    logs: Logs | None = None
    tracing: Tracing | None = None


NOTHING = Telemetry()


class Service(NamedTuple):
    """What is served: the API, and its metrics, dashboard and health, alone if they have a port of their own."""

    app: FastAPI
    management: FastAPI | None
    readiness: Readiness


def create_app(settings: Settings) -> FastAPI:
    """Return the application of the API, not yet started; see `create_service`."""
    return create_service(settings).app


def create_service(settings: Settings, telemetry: Telemetry = NOTHING) -> Service:
    """Return the service with everything that `settings` ask for, not yet started.

    Args:
        settings: what is asked for.
        telemetry: the logs and traces of the process, which get a line and a span for each request.

    Raises:
        ValueError: settings don't go together.
    """
    engine = make_engine(settings.database_url)
    redis = make_redis(settings.redis_url) if settings.redis_url else None
    readiness = Readiness(checks(engine, redis, settings.readiness_required))
    app = FastAPI(
        title=settings.service_name,
        version=settings.app_version,
        lifespan=_lifespan(engine, redis, readiness),
        description=_description(settings),
    )
    management = None if settings.management_port is None else _management_app(settings)
    serving = management or app
    collector = _handle_errors(app, management, settings)
    collector.noted = note_error
    collector.context_at_hand = context_at_hand(app.state.error_handler.context)
    modules_own = list(serving.routes)
    registry = collector.exporter.registry if collector.exporter is not None else None
    _observe_requests(app, settings, telemetry, registry)
    app.state.watchers = []
    if registry is not None:
        _observe_process(settings, telemetry, registry)
        app.state.watchers += [EventLoopLag(registry), DependencyUp(readiness, registry)]
    spans = telemetry.tracing.child_spans() if telemetry.tracing is not None else None
    instrument_database(engine, registry, spans)
    serving.include_router(health_router(settings.service_name, settings.app_version, settings.environment, readiness))
    _limit_requests(app, settings)
    app.add_route("/", _to_docs, include_in_schema=False)
    app.state.resources = Resources.counted(engine, redis, registry, spans)
    install_samples(app, app.state.resources, settings)  # SAMPLE
    refuse_taken([route for route in serving.routes if route not in modules_own], settings.metrics)
    return Service(app, management, readiness)


def _management_app(settings: Settings) -> FastAPI:
    return FastAPI(title=f"{settings.service_name}: metrics and health", version=settings.app_version)


def _handle_errors(app: FastAPI, management: FastAPI | None, settings: Settings) -> ErrorMetricsCollector:
    answers = settings.error_handling
    answers = answers.model_copy(update={"locale_dirs": (shop.LOCALES,)})  # SAMPLE
    return setup_exception_handler(app, answers, settings.metrics, serve_on=management)


def _observe_requests(
    app: FastAPI, settings: Settings, telemetry: Telemetry, registry: CollectorRegistry | None
) -> None:
    measurement = measure_requests(app, RequestIds())
    if settings.management_port is None:
        measurement.leave_out(*PROBES)
    if telemetry.tracing is not None:
        measurement.add(telemetry.tracing.server_spans())  # before whoever asks for the ids of trace and span
        if app.state.sentry is not None:
            app.state.sentry.leave_traces_to("OpenTelemetry")
    if settings.security_headers:
        measurement.add(SecurityHeaders())
    if registry is not None:
        counting = HTTPMetrics(registry)
        measurement.add(counting)
        count_requests_in(counting)
        if settings.api_keys:
            measurement.add(APIKeys(settings.api_keys, registry))
    if telemetry.logs is not None:
        measurement.add(telemetry.logs.request_lines())  # last, when everything is known


def _observe_process(settings: Settings, telemetry: Telemetry, registry: CollectorRegistry) -> None:
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which nothing here reads
    set_app_info(registry, version=settings.app_version, environment=settings.environment)
    export_limits(registry)
    for losing in telemetry:
        if losing is not None:
            losing.export(registry)


def _limit_requests(app: FastAPI, settings: Settings) -> None:
    if settings.max_body_bytes:
        app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    if settings.request_timeout_seconds:
        app.add_middleware(TimeLimit, limit=settings.request_timeout_seconds, handler=app.state.error_handler)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["X-Request-ID"],
        )


def _lifespan(
    engine: AsyncEngine, redis: Redis | None, readiness: Readiness
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if is_sqlite(engine):  # nobody else uses the file; elsewhere `python -m service migrate` goes first
            await upgrade(engine)
            await shop.seed(engine)  # SAMPLE
        readiness.started = True
        async with AsyncExitStack() as watching:
            for watcher in app.state.watchers:
                await watching.enter_async_context(watcher.watching())
            yield
        if app.state.sentry is not None:
            await to_thread(app.state.sentry.close)
        await close_engine(engine)
        if redis is not None:
            await redis.aclose()

    return lifespan


async def _to_docs(_: object) -> RedirectResponse:
    return RedirectResponse("docs")


def _description(settings: Settings) -> str:
    """Return what `/docs` says, with links to what is there, relative because a proxy may put a prefix in front."""
    found = ["The sample shop."]
    metrics = settings.metrics
    if metrics.enabled and settings.management_port is None:
        if metrics.dashboard_enabled:
            found.append("Errors are on [/dashboard](dashboard).")
        if metrics.prometheus_enabled:
            found.append(f"Metrics are on [{metrics.prometheus_path}]({metrics.prometheus_path[1:]}).")
    return " ".join(found)
