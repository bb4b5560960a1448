"""Noticing answers that break although middleware makes them look whole."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Router

from .measurement import REQUEST, ASGIApp, MeasuredRequest, Message, Receive, Scope, Send
from .routes import with_paths

MAX_PARTS = 10_000  # of an application that are looked at


class BrokenAnswers:
    """The layer under a `BaseHTTPMiddleware`: notes what breaks an answer that has begun.

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


def watch_for_breaks(stack: Any) -> None:
    """Put the layer under every `BaseHTTPMiddleware`, of an application, its mounts and its routes.

    Args:
        stack: the built layers of an application. Those of mounted applications are looked at when they are built.
    """
    seen: dict[int, Any] = {}  # holds the parts, because identities are reused
    waiting = [stack]
    while waiting and len(seen) < MAX_PARTS:
        part = waiting.pop()
        if id(part) not in seen:
            seen[id(part)] = part
            waiting.extend(inner for inner in _inside(part) if inner is not None)


def _inside(part: Any) -> Iterable[Any]:
    if isinstance(part, Starlette):
        if part.middleware_stack is None:
            _watch_when_built(part)
        return [part.middleware_stack]
    if isinstance(part, Router):
        below = [getattr(route, "app", None) for route, _ in with_paths(part.routes)]
        return [*below, getattr(part, "middleware_stack", None)]
    inner = getattr(part, "app", None)
    if isinstance(part, BaseHTTPMiddleware) and not isinstance(inner, BrokenAnswers):
        part.app = BrokenAnswers(part.app)
    return [inner]


def _watch_when_built(app: Starlette) -> None:
    build = app.build_middleware_stack

    def build_watched() -> Any:
        stack = build()
        watch_for_breaks(stack)
        return stack

    app.build_middleware_stack = build_watched  # type: ignore[method-assign]
