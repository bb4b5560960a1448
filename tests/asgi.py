"""A client that speaks ASGI to an application in this process, so that tests see each message and can misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Message = MutableMapping[str, Any]


@dataclass
class Result:
    """What an application sent, and what escaped it."""

    messages: list[Message] = field(default_factory=list)
    exception: BaseException | None = None

    @property
    def status(self) -> int:
        """The status of the answer, 0 when there was none."""
        return next((m["status"] for m in self.messages if m["type"] == "http.response.start"), 0)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer, names in lower case."""
        start = next(m for m in self.messages if m["type"] == "http.response.start")
        return {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}

    @property
    def body(self) -> bytes:
        """The body of the answer."""
        return b"".join(m.get("body", b"") for m in self.messages if m["type"] == "http.response.body")

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def scope_of(path: str, method: str = "GET", headers: dict[str, str] | None = None, root_path: str = "") -> Message:
    """Return the scope of a request, as uvicorn makes it."""
    path, _, query = path.partition("?")
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": root_path,
        "headers": [(b"host", b"shop.example"), *raw],
        "client": ("192.0.2.1", 1234),
        "server": ("192.0.2.2", 80),
        "state": {},
    }


async def request(
    app: Callable[..., Awaitable[None]],
    path: str,
    method: str = "GET",
    *,
    json_body: Any = None,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    root_path: str = "",
    leave_after: int | None = None,
    on_send: Callable[[Message], Awaitable[None]] | None = None,
) -> Result:
    """Send one request and return what came; an exception that escapes the application is in the result.

    With `leave_after=n` the client is gone once n messages were sent to it, 0 for a client that leaves at once.
    """
    if json_body is not None:
        body = json.dumps(json_body).encode()
        headers = {"content-type": "application/json", **(headers or {})}
    result = Result()
    gone = asyncio.Event()
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if leave_after == 0:
            return {"type": "http.disconnect"}
        if waiting:
            return waiting.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if on_send is not None:
            await on_send(message)
        if not gone.is_set():
            result.messages.append(message)
        if leave_after is not None and len(result.messages) >= leave_after:
            gone.set()
        if message["type"] == "http.response.body" and not message.get("more_body"):
            gone.set()

    try:
        await app(scope_of(path, method, headers, root_path), receive, send)
    except Exception as exc:
        result.exception = exc
    return result


async def start(app: Any) -> Callable[[], Awaitable[None]]:
    """Run an application's start-up and return what shuts it down."""
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.create_task(app(scope, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    reply = await outbox.get()
    assert reply["type"] == "lifespan.startup.complete", reply

    async def stop() -> None:
        await inbox.put({"type": "lifespan.shutdown"})
        assert (await outbox.get())["type"] == "lifespan.shutdown.complete"
        await task

    return stop
