"""The one measurement of a request, in every way that a request can end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from service.error_metrics.measurement import MeasuredRequest, RequestObserver
from service.error_metrics.requests import measure_requests
from tests.asgi import request, scope_of


class Seen(RequestObserver):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.begun = 0
        self.over: list[MeasuredRequest] = []

    def started(self, request: MeasuredRequest) -> None:
        """Count."""
        self.begun += 1

    def finished(self, request: MeasuredRequest) -> None:
        """Remember."""
        self.over.append(request)

    @property
    def last(self) -> MeasuredRequest:
        """The only request, which must have been told of once."""
        assert len(self.over) == self.begun == 1
        return self.over[0]


@pytest.fixture
def seen() -> Seen:
    """An observer."""
    return Seen()


@pytest.fixture
def app(seen: Seen) -> FastAPI:
    """An application with a route for every way to end."""
    app = FastAPI()
    measure_requests(app, seen)

    @app.get("/ok")
    async def ok() -> dict[str, str]:
        return {"a": "b"}

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return PlainTextResponse(await request.body())

    @app.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError

    @app.get("/background")
    async def background() -> Response:
        async def later() -> None:
            await asyncio.sleep(0.2)

        return PlainTextResponse("x", background=BackgroundTask(later))

    @app.get("/background-bug")
    async def background_bug() -> Response:
        async def later() -> None:
            raise ZeroDivisionError

        return PlainTextResponse("x", background=BackgroundTask(later))

    @app.get("/stream")
    async def stream(fail: bool = False, slow: bool = False) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            for number in range(3):
                if fail and number == 2:
                    raise OSError("the disk is gone")
                yield b"part "
                if slow:
                    await asyncio.sleep(0.02)

        return StreamingResponse(parts())

    @app.api_route("/any", methods=["GET", "HEAD", "BREW"])
    async def any_method() -> str:
        return "body"

    return app


async def test_a_request_is_told_of_with_its_facts(app: FastAPI, seen: Seen) -> None:
    """Method, route, status, time and sizes."""
    result = await request(app, "/echo", "POST", body=b"hello")
    assert (seen.last.method, seen.last.endpoint, seen.last.status) == ("POST", "/echo", 200)
    assert (seen.last.request_bytes, seen.last.response_bytes) == (5, len(result.body))
    assert 0 < seen.last.duration < 5
    assert seen.last.exception is None


async def test_an_unhandled_error_is_500_with_the_bytes_of_its_answer(app: FastAPI, seen: Seen) -> None:
    """The answer comes from Starlette, outside all middleware."""
    result = await request(app, "/bug")
    assert isinstance(result.exception, ZeroDivisionError)
    assert (seen.last.status, seen.last.endpoint) == (500, "/bug")
    assert seen.last.response_bytes == len(result.body) > 0


async def test_an_unmatched_path_is_unknown(app: FastAPI, seen: Seen) -> None:
    """Whatever the scanner asks for."""
    await request(app, "/wp-login.php")
    assert (seen.last.endpoint, seen.last.status) == ("/unknown", 404)


async def test_a_wrong_method_keeps_its_route(app: FastAPI, seen: Seen) -> None:
    """405 belongs to the route whose path matched."""
    await request(app, "/ok", "DELETE")
    assert (seen.last.endpoint, seen.last.status, seen.last.method) == ("/ok", 405, "DELETE")


async def test_a_stream_is_over_with_its_last_part(app: FastAPI, seen: Seen) -> None:
    """All parts count."""
    await request(app, "/stream")
    assert (seen.last.status, seen.last.response_bytes) == (200, 15)


async def test_a_stream_that_breaks_is_500(app: FastAPI, seen: Seen) -> None:
    """Although 200 was sent; an OSError of the application's own is no client that left."""
    result = await request(app, "/stream?fail=true")
    assert result.status == 200
    assert seen.last.status == 500
    assert seen.last.exception is not None


async def test_a_stream_that_breaks_under_middleware_is_500(app: FastAPI, seen: Seen) -> None:
    """Although Starlette's middleware completes the answer before it raises."""

    @app.middleware("http")
    async def passing(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    result = await request(app, "/stream?fail=true")
    assert (result.status, seen.last.status) == (200, 500)
    assert seen.last.exception is not None


async def test_an_error_that_middleware_answers_has_the_status_of_that_answer(app: FastAPI, seen: Seen) -> None:
    """It came before the answer began, so nothing broke."""

    @app.middleware("http")
    async def catching(request: Request, call_next: Any) -> Any:
        try:
            return await call_next(request)
        except ZeroDivisionError:
            return PlainTextResponse("no", status_code=400)

    await request(app, "/bug")
    assert (seen.last.status, seen.last.exception) == (400, None)


async def test_a_client_that_leaves_a_stream_is_499(app: FastAPI, seen: Seen) -> None:
    """The application was told by a disconnect message."""
    await request(app, "/stream?slow=true", leave_after=2)
    assert seen.last.status == 499


async def test_a_client_that_leaves_while_sending_is_499(app: FastAPI, seen: Seen) -> None:
    """Before its body was complete."""
    await request(app, "/echo", "POST", leave_after=0)
    assert seen.last.status == 499


@pytest.mark.parametrize("path", ["/ok", "/stream"])
@pytest.mark.parametrize("kind", ["http.response.start", "http.response.body"])
async def test_a_server_that_says_so_by_oserror_makes_it_499(app: FastAPI, seen: Seen, kind: str, path: str) -> None:
    """ASGI 2.4: sending raises OSError when the client is gone, at any message."""

    async def gone(message: Any) -> None:
        if message["type"] == kind:
            raise OSError

    await request(app, path, on_send=gone)
    assert seen.last.status == 499


async def test_an_oserror_before_the_answer_is_the_applications_own(app: FastAPI, seen: Seen) -> None:
    """No server raised it."""

    @app.get("/disk")
    async def disk() -> None:
        raise OSError("the disk is gone")

    await request(app, "/disk")
    assert seen.last.status == 500


async def test_a_cancelled_request_is_told_of(app: FastAPI, seen: Seen) -> None:
    """When the server gives up on it."""

    @app.get("/forever")
    async def forever() -> None:
        await asyncio.sleep(60)

    task = asyncio.create_task(request(app, "/forever"))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen.last.status == 500


async def test_background_work_is_not_part_of_the_time(app: FastAPI, seen: Seen) -> None:
    """The client has its answer before."""
    await request(app, "/background")
    assert seen.last.duration < 0.15


async def test_an_error_in_background_work_does_not_change_the_status(app: FastAPI, seen: Seen) -> None:
    """The client got 200."""
    result = await request(app, "/background-bug")
    assert isinstance(result.exception, ZeroDivisionError)
    assert seen.last.status == 200


async def test_head_has_no_body_to_count(app: FastAPI, seen: Seen) -> None:
    """Servers leave it out."""
    await request(app, "/any", "HEAD")
    assert (seen.last.method, seen.last.status, seen.last.response_bytes) == ("HEAD", 200, 0)


async def test_an_unknown_method_has_one_name(app: FastAPI, seen: Seen) -> None:
    """Clients can't invent values."""
    await request(app, "/any", "BREW")
    assert (seen.last.method, seen.last.status) == ("_OTHER", 200)


async def test_a_websocket_is_not_measured(app: FastAPI, seen: Seen) -> None:
    """Its life is no latency."""
    inbox = [{"type": "websocket.connect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return inbox.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await app({**scope_of("/ok"), "type": "websocket", "subprotocols": []}, receive, send)
    assert sent
    assert seen.begun == 0


async def test_what_is_left_out_is_not_measured(app: FastAPI, seen: Seen) -> None:
    """Also below a proxy's prefix; what only begins alike is measured."""
    measurement = measure_requests(app)
    measurement.leave_out("/ok")
    measurement.leave_out_below("/api")
    for path in ("/ok", "/api", "/api/x"):
        await request(app, path)
    await request(app, "/prefix/ok", root_path="/prefix")
    assert seen.begun == 0
    await request(app, "/okay")
    await request(app, "/apix")
    assert seen.begun == 2


class Broken(RequestObserver):
    """Fails whenever it is told something."""

    def started(self, request: MeasuredRequest) -> None:
        """Fail."""
        raise RuntimeError

    def finished(self, request: MeasuredRequest) -> None:
        """Fail."""
        raise RuntimeError


async def test_a_broken_observer_breaks_neither_requests_nor_others(app: FastAPI, seen: Seen) -> None:
    """Its failures are counted."""
    measurement = measure_requests(app, Broken())
    measurement.add(late := Seen())
    result = await request(app, "/ok")
    assert result.status == 200
    assert seen.last.status == late.last.status == 200
    assert measurement.failures == 2


async def test_a_broken_route_table_leaves_the_name_open(
    app: FastAPI, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status and time are told all the same."""
    measurement = measure_requests(app)
    monkeypatch.setattr(measurement, "templates", None)
    assert (await request(app, "/ok")).status == 200
    assert (seen.last.endpoint, seen.last.status) == ("/unknown", 200)


async def test_middleware_that_answers_itself_is_measured(app: FastAPI, seen: Seen) -> None:
    """Although it was added later: the layer is outermost."""

    class Closed:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await PlainTextResponse("closed", 503)(scope, receive, send)

    app.add_middleware(Closed)
    await request(app, "/ok")
    assert (seen.last.status, seen.last.endpoint) == (503, "/unknown")


async def test_an_application_that_serves_cannot_be_measured_any_more() -> None:
    """The layers are built with the first request."""
    app = FastAPI()
    await request(app, "/")
    with pytest.raises(RuntimeError, match="before the application serves its first request"):
        measure_requests(app)


async def test_an_application_that_sends_nothing_is_500(seen: Seen) -> None:
    """An answer that never came."""
    app = FastAPI()
    measure_requests(app, seen)

    class Silent:
        def __init__(self, app: Any) -> None:
            pass

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            """Say nothing."""

    app.add_middleware(Silent)
    await request(app, "/")
    assert seen.last.status == 500


async def test_a_file_sent_by_the_server_ends_the_request(seen: Seen) -> None:
    """The pathsend extension has no body message."""
    app = FastAPI()
    measure_requests(app, seen)

    class PathSend:
        def __init__(self, app: Any) -> None:
            pass

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.pathsend", "path": "/x"})

    app.add_middleware(PathSend)
    await request(app, "/")
    assert seen.last.status == 200
