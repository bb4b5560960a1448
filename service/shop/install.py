"""The shop's only door."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from .api import fault_router, router
from .faults import Faults

LOCALES = Path(__file__).parent / "locales"


def install(app: FastAPI, engine: AsyncEngine, *, faults_enabled: bool) -> None:
    """Add the shop's routes to `app`.

    Args:
        app: the application.
        engine: where products and orders are.
        faults_enabled: whether the fault switches can be reached.
    """
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    app.state.faults = Faults(faults_enabled)
    app.include_router(router)
    if faults_enabled:
        app.include_router(fault_router)
