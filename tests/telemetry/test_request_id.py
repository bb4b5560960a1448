"""The id of a request."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response

from service.error_metrics import BaseAppException, ErrorMetricsCollector, MetricsConfig, setup_exception_handler
from service.error_metrics.requests import measure_requests
from service.telemetry.request_id import RequestIds
from tests.asgi import Message, request, scope_of

MADE = re.compile("[0-9a-f]{32}")


@pytest.fixture
def app() -> FastAPI:
    """An application that tells the id that it sees."""
    app = FastAPI()
    setup_exception_handler(app, metrics_config=MetricsConfig.testing())
    measure_requests(app, RequestIds())

    @app.get("/id")
    async def tell(request: Request) -> str:
        told: str = request.state.request_id
        return told

    @app.get("/error")
    async def error() -> None:
        raise BaseAppException(901, "x")

    @app.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError

    @app.get("/own")
    async def own() -> Response:
        return Response(headers={"X-Request-Id": "own"})

    return app


@pytest.mark.parametrize("given", ["a", "order-17_b.2", "0" * 128, "f47ac10b-58cc-4372-a567-0e02b2c3d479"])
async def test_a_well_formed_id_is_taken_over_and_returned(app: FastAPI, given: str) -> None:
    """So that the caller finds its request."""
    result = await request(app, "/id", headers={"X-Request-ID": given})
    assert (result.json(), result.headers["x-request-id"]) == (given, given)


@pytest.mark.parametrize(
    "given", ["", "a b", "a\nb", "a\r\nSet-Cookie: x", "0" * 129, "x" * 10_000, "é", "{}", "${jndi}"]
)
async def test_a_malformed_id_is_replaced(app: FastAPI, given: str) -> None:
    """It could forge a log line, or fill a store."""
    result = await request(app, "/id", headers={"X-Request-ID": given})
    assert MADE.fullmatch(result.headers["x-request-id"])
    assert result.json() == result.headers["x-request-id"]


async def test_without_an_id_one_is_made_for_each_request(app: FastAPI) -> None:
    """Two requests never share it."""
    ids = {(await request(app, "/id")).headers["x-request-id"] for _ in range(50)}
    assert len(ids) == 50
    assert all(map(MADE.fullmatch, ids))


@pytest.mark.parametrize("path", ["/error", "/bug", "/nowhere"])
async def test_an_error_names_the_id_of_its_request(app: FastAPI, path: str) -> None:
    """In the header, in the body, and in the history."""
    result = await request(app, path, headers={"X-Request-ID": "order-17"})
    collector: ErrorMetricsCollector = app.state.error_metrics
    assert (
        result.headers["x-request-id"] == result.json()["request_id"] == collector.events()[0].request_id == "order-17"
    )


async def test_an_id_that_the_application_sets_itself_stays(app: FastAPI) -> None:
    """One header, not two."""
    result = await request(app, "/own")
    start = result.messages[0]
    assert [value for name, value in start["headers"] if name == b"x-request-id"] == [b"own"]


async def test_two_ids_are_none(app: FastAPI) -> None:
    """Which one would a proxy in front have meant?"""
    scope = scope_of("/id")
    scope["headers"] += [(b"x-request-id", b"a"), (b"x-request-id", b"b")]
    sent = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert MADE.fullmatch(dict(sent[0]["headers"])[b"x-request-id"].decode())
