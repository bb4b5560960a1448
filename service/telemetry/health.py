"""Liveness and readiness for the kubelet and for people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from fastapi import APIRouter, Response

Check = Callable[[], Awaitable[None]]
PATHS = ("/health", "/health/live", "/health/ready")
TIME_LIMIT = 1.0


def health_router(service: str, version: str, environment: str, checks: Mapping[str, Check]) -> APIRouter:
    """Return the three health routes.

    Args:
        service, version, environment: shown by `/health`.
        checks: what readiness needs, by name; a check fails by raising or by taking longer than one second.
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

    @router.get("/health/ready", responses={503: {"description": "A dependency is away"}})
    async def ready(response: Response) -> dict[str, Any]:
        """Say whether requests can be served; 503 when not."""
        results = await asyncio.gather(*(_run(check) for check in checks.values()))
        if not all(result["status"] == "ok" for result in results):
            response.status_code = 503
        state = "ready" if response.status_code != 503 else "not_ready"
        return {"status": state, "checks": dict(zip(checks, results, strict=True))}

    return router


async def _run(check: Check) -> dict[str, Any]:
    started = perf_counter()
    try:
        async with asyncio.timeout(TIME_LIMIT):
            await check()
    except Exception as problem:  # noqa: BLE001  # whatever is wrong with a dependency, the probe must say so
        outcome: dict[str, Any] = {"status": "failed", "error": type(problem).__name__}
    else:
        outcome = {"status": "ok"}
    return {**outcome, "latency_ms": round((perf_counter() - started) * 1000, 3)}
