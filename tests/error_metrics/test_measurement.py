"""What the layer passes on, and what it tells, message by message."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.error_metrics.measurement import PATIENCE, Headers, MeasuredRequest, Measurement, RequestObserver
from service.error_metrics.requests import ASGIApp, RequestLayer
from service.error_metrics.routes import RouteTemplates
from tests.asgi import Message, scope_of

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
END: Message = {"type": "http.response.body", "body": b"x"}
BODY: Message = {"type": "http.request", "body": b"all of it", "more_body": False}
GONE: Message = {"type": "http.disconnect"}


class Told(RequestObserver):
    """Remembers what it was told, and adds a header."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.statuses: list[int] = []

    def started(self, request: MeasuredRequest) -> None:
        """Remember."""
        self.told.append("started")

    def answering(self, request: MeasuredRequest, headers: Headers) -> None:
        """Remember, and add one."""
        self.told.append("answering")
        headers.append((b"x-told", b"yes"))

    def finished(self, request: MeasuredRequest) -> None:
        """Remember."""
        self.told.append("finished")
        self.statuses.append(request.status)

    def left(self, request: MeasuredRequest) -> None:
        """Remember."""
        self.told.append("left")


class Failing(RequestObserver):
    """Fails whenever it is told something."""

    def started(self, request: MeasuredRequest) -> None:
        """Fail."""
        raise RuntimeError

    def answering(self, request: MeasuredRequest, headers: Headers) -> None:
        """Fail."""
        raise RuntimeError

    def finished(self, request: MeasuredRequest) -> None:
        """Fail."""
        raise RuntimeError

    def left(self, request: MeasuredRequest) -> None:
        """Fail."""
        raise RuntimeError


@pytest.fixture
def told() -> Told:
    """An observer."""
    return Told()


@pytest.fixture
def measurement(told: Told) -> Measurement:
    """A measurement with that observer."""
    measurement = Measurement(RouteTemplates([]))
    measurement.add(told)
    return measurement


class Server:
    """What a server has for an application, and what it got from it."""

    def __init__(self, *inbox: Message) -> None:
        self._inbox = list(inbox)
        self.asked = 0
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        """Return the next message, or wait."""
        self.asked += 1
        if not self._inbox:
            await asyncio.Event().wait()
        return self._inbox.pop(0)

    async def send(self, message: Message) -> None:
        """Keep a message."""
        self.sent.append(message)

    async def run(self, app: ASGIApp, measurement: Measurement, **headers: str) -> None:
        """Have a request answered."""
        await RequestLayer(app, measurement)(scope_of("/x", "POST", headers), self.receive, self.send)


async def test_what_the_look_for_the_client_reads_comes_to_the_application_in_order(
    measurement: Measurement, told: Told
) -> None:
    """The body first, and then that the client has left, though both were read before."""
    server, received = Server(BODY, GONE), []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(PATIENCE * 1.2)
        await send(START)
        assert server.asked == 2
        received.extend([await receive(), await receive()])
        await send(END)

    await server.run(app, measurement)
    assert received == [BODY, GONE]
    assert told.statuses == [499]


async def test_a_client_that_waits_for_leave_to_send_is_not_looked_for(measurement: Measurement, told: Told) -> None:
    """Asking would make the server give it."""
    server = Server(GONE)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(PATIENCE * 1.2)
        await send(START)
        await send(END)

    await server.run(app, measurement, expect="100-continue")
    assert (server.asked, told.statuses) == (0, [200])


async def test_a_quick_answer_is_given_without_a_look(measurement: Measurement, told: Told) -> None:
    """It would cost every request something."""
    server = Server(GONE)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(END)

    await server.run(app, measurement)
    assert (server.asked, told.statuses) == (0, [200])


async def test_a_request_is_over_once(measurement: Measurement, told: Told) -> None:
    """Whatever the application sends after its last message, or raises."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(END)
        await send(END)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Server().run(app, measurement)
    assert told.told == ["started", "answering", "finished", "left"]
    assert told.statuses == [200]


async def test_headers_are_added_to_a_copy(measurement: Measurement) -> None:
    """An application may send the same message again."""
    start = {**START, "headers": [(b"a", b"b")]}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start)
        await send(END)

    for _ in range(2):
        server = Server()
        await server.run(app, measurement)
        assert server.sent[0]["headers"] == [(b"a", b"b"), (b"x-told", b"yes")]
    assert start["headers"] == [(b"a", b"b")]


async def test_an_observer_that_fails_is_reported_each_time_and_changes_nothing(
    measurement: Measurement, told: Told
) -> None:
    """At every moment at which it is told something."""
    lost: list[int] = []
    measurement.lose = lambda: lost.append(1)
    measurement.add(Failing())
    measurement.add(late := Told())
    server = Server()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(END)

    await server.run(app, measurement)
    assert server.sent == [{**START, "headers": [(b"x-told", b"yes")] * 2}, END]
    assert told.told == late.told == ["started", "answering", "finished", "left"]
    assert (measurement.failures, len(lost)) == (4, 4)


async def test_those_who_came_first_leave_last(measurement: Measurement) -> None:
    """As contexts that lie in each other must."""
    order: list[str] = []

    class Leaving(RequestObserver):
        def __init__(self, name: str) -> None:
            self.name = name

        def left(self, request: MeasuredRequest) -> None:
            order.append(self.name)

    measurement.add(Leaving("outer"), Leaving("inner"))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(END)

    await Server().run(app, measurement)
    assert order == ["inner", "outer"]


async def test_the_error_of_a_request_is_let_go_when_it_is_left(measurement: Measurement) -> None:
    """Its traceback leads back to the request: a circle, which would stay in memory until a collection."""
    requests: list[MeasuredRequest] = []

    class Keeping(RequestObserver):
        def finished(self, request: MeasuredRequest) -> None:
            request.error = ZeroDivisionError()
            requests.append(request)

    measurement.add(Keeping())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(END)

    await Server().run(app, measurement)
    assert requests[0].error is None
