"""The one measurement of a request: an ASGI layer that times it, finds its route and status, and tells observers.

It is the outermost layer of the application, outside Starlette's own error handling and of any middleware, so that it
sees every answer that leaves: those of middleware, and that of an unhandled exception.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import FastAPI
from starlette.websockets import WebSocketDisconnect

from .broken_answers import watch_for_breaks
from .measurement import REQUEST, ASGIApp, MeasuredRequest, Measurement, Receive, RequestObserver, Scope, Send
from .routes import RouteTemplates, put_last


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
        stack = build()
        with suppress(Exception):  # somebody's own layers may be anything
            watch_for_breaks(stack)
        return RequestLayer(stack, measurement)

    # `add_middleware` would put the layer inside Starlette's error handling, where the answer to an unhandled
    # exception is out of sight, and inside every middleware that is added later.
    app.build_middleware_stack = build_measured  # type: ignore[method-assign]
