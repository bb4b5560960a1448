"""Errors in WebSockets, which have no answer."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Query, WebSocket
from starlette.websockets import WebSocketDisconnect

from service.error_metrics import BaseAppException, ErrorMetricsCollector, MetricsConfig, setup_exception_handler
from tests.asgi import scope_of


class Lost(BaseAppException):
    """It is lost."""

    error_code = 310


def make_app() -> tuple[FastAPI, ErrorMetricsCollector]:
    """Return an application and its collector."""
    app = FastAPI()
    return app, setup_exception_handler(app, metrics_config=MetricsConfig.testing())


async def visit(app: FastAPI, path: str) -> list[Any]:
    """Open a WebSocket, and return what the application sent."""
    inbox, sent = [{"type": "websocket.disconnect", "code": 1000}, {"type": "websocket.connect"}], []

    async def receive() -> Any:
        return inbox.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await app({**scope_of(path), "type": "websocket", "subprotocols": []}, receive, send)
    return sent


async def test_an_error_in_a_websocket_closes_it_and_is_recorded() -> None:
    """With 1008: the application refused on purpose."""
    app, collector = make_app()

    async def endpoint(websocket: Any) -> None:
        await websocket.accept()
        raise Lost

    app.router.add_websocket_route("/socket", endpoint)
    sent = await visit(app, "/socket")
    assert sent[-1]["code"] == 1008
    assert [event.error_code for event in collector.events()] == [310]


async def test_an_error_after_a_websocket_was_closed_is_recorded_once() -> None:
    """It can't be closed again."""
    app, collector = make_app()

    async def endpoint(websocket: Any) -> None:
        await websocket.accept()
        await websocket.close()
        raise Lost

    app.router.add_websocket_route("/socket", endpoint)
    sent = await visit(app, "/socket")
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert [event.error_code for event in collector.events()] == [310]


async def test_an_unhandled_error_in_a_websocket_is_recorded() -> None:
    """Nobody answers it, so nobody else would; a client that leaves is no error."""
    app, collector = make_app()

    async def endpoint(websocket: Any) -> None:
        await websocket.accept()
        raise ZeroDivisionError

    async def reader(websocket: Any) -> None:
        await websocket.accept()
        await websocket.receive_text()

    app.router.add_websocket_route("/socket", endpoint)
    app.router.add_websocket_route("/reader", reader)

    with pytest.raises(ZeroDivisionError):
        await visit(app, "/socket")
    with pytest.raises(WebSocketDisconnect):
        await visit(app, "/reader")
    assert [(event.error_code, event.path) for event in collector.events()] == [(599, "/socket")]


async def test_what_does_not_validate_closes_a_websocket_and_is_recorded() -> None:
    """The client learns what it was, but does not get its values back."""
    app, collector = make_app()

    @app.websocket("/socket/{room}")
    async def endpoint(websocket: WebSocket, room: int, limit: int) -> None:
        await websocket.accept()

    (closed,) = await visit(app, "/socket/hunter2?limit=many")
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
    assert closed["reason"] == "invalid: path.room, query.limit"
    assert [(event.error_code, event.path, event.message) for event in collector.events()] == [
        (499, "/socket/{room}", "invalid: path.room, query.limit")
    ]


async def test_a_reason_fits_into_what_a_websocket_has_for_it() -> None:
    """Cut between two characters; servers refuse a longer one."""
    app, _ = make_app()

    @app.websocket("/socket")
    async def endpoint(websocket: WebSocket, items: Annotated[list[int], Query(alias="하" * 99)]) -> None:
        await websocket.accept()

    (closed,) = await visit(app, "/socket")
    assert 120 <= len(closed["reason"].encode()) <= 123
