"""How large a request's body may be, and how long its answer may take."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException, Request

from service.error_metrics.handlers import ErrorHandler
from service.error_metrics.measurement import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Refuses bodies of more than `limit` bytes with 413: announced ones unread, others as soon as they exceed it."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        refused = not announced.isdigit() or int(announced) > self._limit
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = {"type": "http.request"} if refused else await receive()
            read += len(message.get("body", b""))
            if refused or read > self._limit:
                raise HTTPException(413, f"the body is larger than {self._limit} bytes")
            return message

        return await self.app(scope, limited, send)


class TimeLimit:
    """Gives up on an answer that has not begun after `limit` seconds, with 504; one that has begun may go on."""

    def __init__(self, app: ASGIApp, limit: float, handler: ErrorHandler) -> None:
        self.app = app
        self._limit = limit
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            async with asyncio.timeout(self._limit) as limit:

                async def noting(message: Message) -> None:
                    limit.reschedule(None)
                    await send(message)

                await self.app(scope, receive, noting)
        except TimeoutError:
            if not limit.expired():  # the application's own
                raise
        else:
            return None
        late = HTTPException(504, f"no answer within {self._limit:g} s")
        response = await self._handler.handle(Request(scope, receive), late)
        return await response(scope, receive, send)
