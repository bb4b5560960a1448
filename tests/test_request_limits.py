"""Limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import Body, FastAPI, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from service.error_metrics import ErrorMetricsCollector, MetricsConfig, setup_exception_handler
from service.request_limits import BodyLimit, TimeLimit
from tests.asgi import request, scope_of

LIMIT = 100


@pytest.fixture
def app() -> FastAPI:
    """An application with both limits."""
    app = FastAPI()
    setup_exception_handler(app, metrics_config=MetricsConfig.testing())
    app.add_middleware(BodyLimit, limit=LIMIT)
    app.add_middleware(TimeLimit, limit=0.2, handler=app.state.error_handler)

    @app.post("/raw")
    async def raw(request: Request) -> Response:
        return PlainTextResponse(await request.body())

    @app.post("/json")
    async def parsed(body: dict[str, Any] = Body()) -> dict[str, Any]:  # noqa: B008
        return body

    @app.get("/wait")
    async def wait(own: bool = False) -> str:
        if own:
            raise TimeoutError
        await asyncio.sleep(5)
        return "late"

    @app.get("/stream")
    async def stream() -> Response:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(3):
                await asyncio.sleep(0.15)
                yield b"x"

        return StreamingResponse(parts())

    return app


def codes(app: FastAPI) -> list[int]:
    """Return the codes of the recorded errors."""
    collector: ErrorMetricsCollector = app.state.error_metrics
    return [event.error_code for event in collector.events()]


async def sent(app: FastAPI, headers: dict[str, str], *parts: bytes) -> int:
    """Return the status of a request to /raw whose body comes in these parts."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request", "body": b""})
    status = 0

    async def receive() -> Any:
        return messages.pop(0) if messages else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope_of("/raw", "POST", headers), receive, send)
    return status


async def test_a_body_within_the_limit_is_taken(app: FastAPI) -> None:
    """To the last byte."""
    assert (await request(app, "/raw", "POST", body=b"x" * LIMIT)).body == b"x" * LIMIT
    assert await sent(app, {"content-length": str(LIMIT)}, b"x" * LIMIT) == 200


@pytest.mark.parametrize("path", ["/raw", "/json"])
async def test_a_body_over_the_limit_is_413(app: FastAPI, path: str) -> None:
    """With the usual body, and counted."""
    result = await request(app, path, "POST", json_body={"a": "x" * LIMIT})
    assert (result.status, result.json()["message"]) == (413, f"the body is larger than {LIMIT} bytes")
    assert codes(app) == [498]


async def test_an_announced_body_is_not_read(app: FastAPI) -> None:
    """Nor one whose length is nonsense."""
    assert await sent(app, {"content-length": str(LIMIT + 1)}) == 413
    assert await sent(app, {"content-length": "x"}) == 413


async def test_a_body_without_a_length_is_counted_as_it_comes(app: FastAPI) -> None:
    """Chunked ones announce nothing."""
    assert await sent(app, {}, b"x" * 60, b"x" * 60) == 413
    assert await sent(app, {}, b"x" * 40, b"x" * 40) == 200


async def test_an_answer_that_does_not_begin_in_time_is_504(app: FastAPI) -> None:
    """With the usual body, and counted."""
    result = await request(app, "/wait")
    assert (result.status, result.json()["message"]) == (504, "no answer within 0.2 s")
    assert codes(app) == [598]


async def test_an_answer_that_has_begun_may_take_longer(app: FastAPI) -> None:
    """Downloads do."""
    assert (await request(app, "/stream")).body == b"xxx"


async def test_a_time_limit_of_the_applications_own_is_its_own_error(app: FastAPI) -> None:
    """A bug like any other."""
    assert (await request(app, "/wait?own=true")).status == 500
    assert codes(app) == [599]
