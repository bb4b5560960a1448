"""Headers for browsers."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.responses import Response

from service.error_metrics.requests import measure_requests
from service.telemetry.security_headers import SecurityHeaders
from tests.asgi import request


@pytest.fixture
def app() -> FastAPI:
    """An application that sets one of them itself on one route."""
    app = FastAPI()
    measure_requests(app, SecurityHeaders())

    @app.get("/framed")
    async def framed() -> Response:
        return Response(headers={"X-Frame-Options": "SAMEORIGIN"})

    @app.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError

    return app


@pytest.mark.parametrize("path", ["/framed", "/bug", "/nowhere", "/docs"])
async def test_every_answer_has_them(app: FastAPI, path: str) -> None:
    """Errors too."""
    headers = (await request(app, path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert "x-frame-options" in headers


async def test_what_the_application_sets_itself_stays(app: FastAPI) -> None:
    """Once, not twice."""
    start = (await request(app, "/framed")).messages[0]
    assert [value for name, value in start["headers"] if name == b"x-frame-options"] == [b"SAMEORIGIN"]
