"""Liveness and readiness for the kubelet and for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response

from .readiness import Readiness

PATHS = ("/health", "/health/live", "/health/ready")


def health_router(service: str, version: str, environment: str, readiness: Readiness) -> APIRouter:
    """Return the three health routes.

    Args:
        service, version, environment: shown by `/health`.
        readiness: shown by `/health/ready`.
    """
    router = APIRouter(tags=["health"])

    @router.get("/health")
    async def health() -> dict[str, Any]:
        """Say who is here."""
        names = {"service": service, "version": version, "environment": environment}
        return {"status": "healthy", **names, "timestamp": datetime.now(UTC).isoformat()}

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """Say that the process answers. It looks at nothing else: a restart would not heal a dependency."""
        return {"status": "alive"}

    @router.get("/health/ready", responses={503: {"description": "Requests can't be served now"}})
    async def ready(response: Response) -> dict[str, Any]:
        """Say whether requests can be served; 503 when not."""
        state = await readiness.state()
        response.status_code = 200 if state.ready else 503
        return {"status": "ready" if state.ready else "not_ready", "checks": state.checks}

    return router
