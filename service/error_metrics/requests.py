"""The one measurement of a request: an ASGI layer that times it, finds its route and status, and tells observers.

It is the outermost layer of the application, outside Starlette's own error handling and of any middleware, so that it
sees every answer that leaves: those of middleware, and that of an unhandled exception.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.websockets import WebSocketDisconnect

from .measurement import REQUEST, MeasuredRequest, Measurement, Message, Receive, RequestObserver, Scope, Send
from .routes import RouteTemplates, put_last

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class BrokenAnswers:
    """The innermost layer: notes what breaks an answer that has begun, before any middleware can smooth it over.

    Starlette's `BaseHTTPMiddleware` completes such an answer before it raises, so from outside it looks whole. The
    layer is there only where an application has such middleware.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request: MeasuredRequest | None = scope.get(REQUEST)
        if request is None:
            return await self.app(scope, receive, send)
        unfinished = False

        def noting(message: Message) -> Awaitable[None]:
            nonlocal unfinished
            unfinished = message["type"] == "http.response.start" or bool(message.get("more_body"))
            return send(message)

        try:
            await self.app(scope, receive, noting)
        except BaseException as exc:
            if unfinished:
                request.exception = exc
            raise


class RequestLayer:
    """The ASGI layer around an application."""

    def __init__(self, app: ASGIApp, measurement: Measurement) -> None:
        self.app = app
        self._measurement = measurement

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        measurement = self._measurement
        if scope["type"] == "websocket":
            return await self._watch_socket(scope, receive, send)
        if scope["type"] != "http" or measurement.leaves_out(
            scope["path"].removeprefix(scope["root_path"]) if scope.get("root_path") else scope["path"]
        ):
            return await self.app(scope, receive, send)
        request = scope[REQUEST] = MeasuredRequest(scope, receive, send, measurement)
        measurement.begin(request)
        try:
            await self.app(scope, request.receive, request.send)
            if not request.done:
                request.abandon(None)
        except BaseException as exc:
            request.abandon(exc)
            raise
        finally:
            measurement.leave(request)
            request.error = None  # its traceback leads back here: a circle that only the garbage collector would break
        return None

    async def _watch_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except WebSocketDisconnect:  # how an endpoint that only reads comes to its end
            raise
        except Exception as exc:
            self._measurement.socket_failed(scope, exc)
            raise


def measure_requests(app: FastAPI, *observers: RequestObserver) -> Measurement:
    """Measure the requests of `app` for `observers`; further calls add observers to the same measurement.

    Raises:
        RuntimeError: the first call comes after the application has begun to serve.
    """
    measurement: Measurement | None = getattr(app.state, "request_measurement", None)
    if measurement is None:
        if app.middleware_stack is not None:
            raise RuntimeError("measure_requests: call it before the application serves its first request")
        measurement = Measurement(RouteTemplates(app.routes))
        app.state.request_measurement = measurement
        _wrap(app, measurement)
    measurement.add(*observers)
    return measurement


def _wrap(app: FastAPI, measurement: Measurement) -> None:
    build = app.build_middleware_stack

    def build_measured() -> Any:
        put_last(app.router.routes, measurement.leaves_out)
        if any(map(_completes_broken_answers, app.user_middleware)):
            app.user_middleware.append(Middleware(BrokenAnswers))
        return RequestLayer(build(), measurement)

    # `add_middleware` would put the layer inside Starlette's error handling, where the answer to an unhandled
    # exception is out of sight, and inside every middleware that is added later.
    app.build_middleware_stack = build_measured  # type: ignore[method-assign]


def _completes_broken_answers(middleware: Middleware) -> bool:
    return isinstance(middleware.cls, type) and issubclass(middleware.cls, BaseHTTPMiddleware)
