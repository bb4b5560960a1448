"""Asking whether the client has left, on a real server."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse

from service.error_metrics.disconnects import waiting_messages, waits_for_leave
from service.error_metrics.measurement import MeasuredRequest, RequestObserver
from service.error_metrics.requests import measure_requests
from tests.asgi import scope_of
from tests.servers import free_port

SECONDS = 0.3


class Statuses(RequestObserver):
    """Remembers how requests ended."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def finished(self, request: MeasuredRequest) -> None:
        """Remember."""
        self.seen.append(request.status)

    def wait(self, requests: int = 1) -> list[int]:
        """Return the statuses once there are as many."""
        deadline = time.monotonic() + 5
        while len(self.seen) < requests and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.seen


@pytest.fixture
def statuses() -> Statuses:
    """An observer."""
    return Statuses()


@pytest.fixture
def port(statuses: Statuses) -> Iterator[int]:
    """Where a real server answers slowly."""
    app = FastAPI()
    measure_requests(app, statuses)

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(SECONDS)
        return "done"

    @app.get("/asking")
    async def asking(request: Request) -> str:
        for _ in range(2):  # the first one reads the empty body
            await request.is_disconnected()
        await asyncio.sleep(SECONDS)
        return "done"

    @app.post("/slow")
    async def slow_post(request: Request, first: bool = True) -> PlainTextResponse:
        body = await request.body() if first else b""
        await asyncio.sleep(SECONDS)
        return PlainTextResponse(body or await request.body())

    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join(timeout=10)


def send(port: int, text: str) -> socket.socket:
    """Send a request and return the connection."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall(text.replace("\n", "\r\n").encode())
    return connection


@pytest.mark.parametrize(
    "text",
    [
        "GET /slow HTTP/1.1\nHost: x\n\n",
        "GET /asking HTTP/1.1\nHost: x\n\n",
        "POST /slow HTTP/1.1\nHost: x\nContent-Length: 1\n\na",
        "POST /slow?first=false HTTP/1.1\nHost: x\nContent-Length: 1\n\na",
    ],
)
def test_a_client_that_gives_up_waiting_is_499(port: int, statuses: Statuses, text: str) -> None:
    """Although the endpoint goes on, and answers."""
    with send(port, text):
        time.sleep(0.05)
    assert statuses.wait() == [499]


def test_a_patient_client_is_answered(port: int, statuses: Statuses) -> None:
    """On one connection, request after request; the question takes nothing from the application."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    for method, path, body, answer in [
        ("GET", "/slow", None, b'"done"'),
        ("POST", "/slow", b"abc", b"abc"),
        ("POST", "/slow?first=false", b"def", b"def"),
    ]:
        connection.request(method, path, body)
        assert connection.getresponse().read() == answer
    connection.close()
    assert statuses.wait(3) == [200, 200, 200]


def receiver(*messages: Any) -> Callable[[], Awaitable[Any]]:
    """Return a `receive` that has these messages, and then waits."""
    waiting = list(messages)

    async def receive() -> Any:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    return receive


async def test_a_client_that_has_left_stays_away(statuses: Statuses) -> None:
    """Although the look for it, when the answer begins, finds nothing new."""
    app = FastAPI()
    measure_requests(app, statuses)

    @app.get("/left")
    async def left(request: Request) -> str:
        while not await request.is_disconnected():
            pass
        await asyncio.sleep(SECONDS)
        return "done"

    told = receiver({"type": "http.disconnect"})

    async def nowhere(message: Any) -> None:
        """Lose it."""

    await app(scope_of("/left"), told, nowhere)
    assert statuses.seen == [499]


async def test_messages_at_hand_are_returned_without_waiting() -> None:
    """The end of the body, and a disconnect after it."""
    body, gone = {"type": "http.request"}, {"type": "http.disconnect"}
    assert waiting_messages(receiver()) == []
    assert waiting_messages(receiver(body)) == [body]
    assert waiting_messages(receiver(body, gone)) == [body, gone]
    more = {"type": "http.request", "more_body": True}
    assert waiting_messages(receiver(more, gone)) == [more]


def test_a_client_that_waits_for_leave_to_send_is_not_asked() -> None:
    """Asking would make the server give it."""
    assert waits_for_leave([(b"host", b"x"), (b"expect", b"100-continue")])
    assert not waits_for_leave([(b"content-length", b"3")])
