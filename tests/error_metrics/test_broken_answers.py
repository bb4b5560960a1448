"""Answers that break under middleware that makes them look whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import StreamingResponse
from starlette.routing import Mount, Route, Router

from service.error_metrics.broken_answers import MAX_PARTS, BrokenAnswers, watch_for_breaks
from service.error_metrics.measurement import MeasuredRequest, RequestObserver
from service.error_metrics.requests import measure_requests
from tests.asgi import request


class Passing(BaseHTTPMiddleware):
    """Does nothing."""

    async def dispatch(self, request: Request, call_next: Any) -> Any:
        """Pass a request on."""
        return await call_next(request)


async def breaking(_: Any) -> StreamingResponse:
    """Answer with a stream that breaks."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"part"
        raise OSError("the disk is gone")

    return StreamingResponse(parts())


def mounted_application() -> Mount:
    """Return an application with such middleware."""
    inner = FastAPI()
    inner.add_middleware(Passing)
    inner.add_route("/break", breaking)
    return Mount("/x", inner)


async def statuses(app: FastAPI, path: str) -> list[int]:
    """Return the statuses that two requests are measured with."""
    told: list[int] = []

    class Seen(RequestObserver):
        def finished(self, request: MeasuredRequest) -> None:
            told.append(request.status)

    measure_requests(app, Seen())
    for _ in range(2):
        assert (await request(app, path)).status == 200
    return told


PASSING = [Middleware(Passing)]
WHERE: dict[str, Callable[[], Any]] = {
    "of a mounted application": mounted_application,
    "of a mounted application that is wrapped": lambda: Mount("/x", GZipMiddleware(mounted_application().app)),
    "of a route": lambda: Route("/x/break", breaking, middleware=PASSING),
    "of a mount": lambda: Mount("/x", routes=[Route("/break", breaking)], middleware=PASSING),
    "of a router": lambda: Mount("/x", Router([Route("/break", breaking)], middleware=PASSING)),
}


@pytest.mark.parametrize("place", WHERE)
async def test_a_stream_that_breaks_under_middleware_further_in_is_500(place: str) -> None:
    """Wherever it is."""
    app = FastAPI()
    app.router.routes.append(WHERE[place]())
    assert await statuses(app, "/x/break") == [500, 500]


async def test_a_stream_that_breaks_under_middleware_made_by_a_function_is_500() -> None:
    """What is added need not be a class."""

    async def dispatch(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    app = FastAPI()
    app.add_middleware(partial(BaseHTTPMiddleware, dispatch=dispatch))
    app.add_route("/break", breaking)
    assert await statuses(app, "/break") == [500, 500]


async def test_an_application_without_such_middleware_has_no_layer_for_it() -> None:
    """So that it costs nothing."""
    app = FastAPI()
    app.add_middleware(GZipMiddleware)
    assert await statuses(app, "/docs") == [200, 200]
    layer: Any = app.middleware_stack
    layers = []
    while layer is not None:
        layers.append(type(layer))
        layer = getattr(layer, "app", None)
    assert BrokenAnswers not in layers
    assert GZipMiddleware in layers


def test_looking_twice_puts_one_layer() -> None:
    """As happens to a mounted application that is measured itself."""
    stack = FastAPI(middleware=PASSING).build_middleware_stack()
    for _ in range(2):
        watch_for_breaks(stack)
    layers, layer = [], stack
    while layer is not None:
        layers.append(type(layer))
        layer = getattr(layer, "app", None)  # type: ignore[assignment]
    assert layers.count(BrokenAnswers) == 1


def test_layers_without_end_are_not_followed_for_ever() -> None:
    """Somebody's own object may make one whenever it is asked."""
    made: list[object] = []

    class Endless:
        @property
        def app(self) -> Endless:
            made.append(self)
            return Endless()

    watch_for_breaks(Endless())
    assert len(made) == MAX_PARTS
