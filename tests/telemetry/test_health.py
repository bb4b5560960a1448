"""The health routes."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from service.telemetry import health_router
from service.telemetry.readiness import Readiness
from tests.asgi import request


@pytest.fixture
def readiness() -> Readiness:
    """One without checks."""
    return Readiness({})


@pytest.fixture
def app(readiness: Readiness) -> FastAPI:
    """An application that has only health."""
    app = FastAPI()
    app.include_router(health_router("shop", "1.2.3", "staging", readiness))
    return app


async def test_health_says_who_is_here(app: FastAPI) -> None:
    """For people."""
    body = (await request(app, "/health")).json()
    assert body.pop("timestamp").endswith("+00:00")
    assert body == {"status": "healthy", "service": "shop", "version": "1.2.3", "environment": "staging"}


async def test_a_process_that_is_not_ready_is_alive(app: FastAPI) -> None:
    """A restart would not help."""
    assert (await request(app, "/health/live")).json() == {"status": "alive"}
    result = await request(app, "/health/ready")
    assert (result.status, result.json()["status"]) == (503, "not_ready")


async def test_a_ready_one_says_so(app: FastAPI, readiness: Readiness) -> None:
    """With 200."""
    readiness.started = True
    result = await request(app, "/health/ready")
    assert (result.status, result.json()) == (200, {"status": "ready", "checks": {}})
