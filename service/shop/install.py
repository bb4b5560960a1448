"""The shop's only door."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import async_sessionmaker

from service.resources import Resources

from .api import fault_router, router
from .faults import Faults

LOCALES = Path(__file__).parent / "locales"


def install(app: FastAPI, resources: Resources, *, faults_enabled: bool) -> None:
    """Add the shop's routes to `app`.

    Args:
        app: the application.
        resources: the database, with products and orders.
        faults_enabled: whether the fault switches can be reached.
    """
    app.state.sessions = async_sessionmaker(resources.engine, expire_on_commit=False)
    app.state.faults = Faults(faults_enabled)
    app.include_router(router)
    if faults_enabled:
        app.include_router(fault_router)
