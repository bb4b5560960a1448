"""A service in another process, used like an application in this one."""

from __future__ import annotations

import httpx

from tests.asgi import Message


class Remote:
    """An ASGI application that asks a service over HTTP: whoever can test the one can test the other.

    Args:
        base: its address.
    """

    def __init__(self, base: str) -> None:
        self.base = base

    async def __call__(self, scope: Message, receive: object, send: object) -> None:
        """Pass one request on, and its answer back."""
        body = (await receive())["body"]  # type: ignore[operator]
        url = f"{self.base}{scope['path']}?{scope['query_string'].decode()}".removesuffix("?")
        # Without TLS there is nothing to verify, and reading the certificates takes longer than the request.
        async with httpx.AsyncClient(timeout=30, trust_env=False, verify=False) as client:  # noqa: S501
            answer = await client.request(
                scope["method"], url, content=body, headers=[pair for pair in scope["headers"] if pair[0] != b"host"]
            )
        await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.headers.raw})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": answer.content})  # type: ignore[operator]
