"""The only place where the parts of the service meet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.responses import RedirectResponse
from prometheus_client import disable_created_metrics
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service import shop  # SAMPLE
from service.database import is_sqlite, make_engine
from service.error_metrics import setup_exception_handler
from service.error_metrics.requests import measure_requests
from service.migrations import upgrade
from service.settings import Settings
from service.telemetry import HTTPMetrics, RequestIds, health_router, set_app_info
from service.telemetry.health import PATHS as PROBES


def create_app(settings: Settings) -> FastAPI:
    """Return the service with everything that `settings` ask for, not yet started.

    Raises:
        ValueError: settings don't go together.
    """
    engine = make_engine(settings.database_url)
    app = FastAPI(
        title=settings.service_name, version=settings.app_version, lifespan=_lifespan(engine), description=_DESCRIPTION
    )
    _observe(app, settings)
    app.include_router(_health(settings, engine))
    app.add_route("/", _to_docs, include_in_schema=False)
    shop.install(app, engine, faults_enabled=settings.faults_enabled)  # SAMPLE
    return app


def _observe(app: FastAPI, settings: Settings) -> None:
    answers = settings.error_handling.model_copy(update={"locale_dirs": (shop.LOCALES,)})
    collector = setup_exception_handler(app, answers, settings.metrics)
    measurement = measure_requests(app, RequestIds())
    measurement.leave_out(*PROBES)
    if collector.exporter is not None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which nothing here reads
        registry = collector.exporter.registry
        measurement.add(HTTPMetrics(registry))
        set_app_info(registry, version=settings.app_version, environment=settings.environment)


def _health(settings: Settings, engine: AsyncEngine) -> APIRouter:
    async def database() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    return health_router(settings.service_name, settings.app_version, settings.environment, {"database": database})


def _lifespan(engine: AsyncEngine) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if is_sqlite(engine):  # nobody else uses the file; elsewhere `python -m service migrate` goes first
            await upgrade(engine)
            await shop.seed(engine)  # SAMPLE
        yield
        await engine.dispose()

    return lifespan


async def _to_docs(_: object) -> RedirectResponse:
    return RedirectResponse("docs")


_DESCRIPTION = "The sample shop. Errors are on [/dashboard](/dashboard), metrics on [/metrics](/metrics)."
