"""The requests every measurement sends: varied routes and ids, straight into the ASGI application.

Ids have a fixed number of digits, so that two blocks of equal length are the same work.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, NamedTuple

Message = dict[str, Any]
Scope = dict[str, Any]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

SEED = 1
"""For the random numbers of a count. The request ids that it gives keep just ten log lines of a hundred at 10 %; left
to chance, their number would be worth a third of what a log line costs."""

ORDER = b'{"item_id": 12345, "quantity": 2}'


class Template(NamedTuple):
    """One kind of request; `{0}` and `{1}` in `path` become ids."""

    method: str
    path: str
    status: int
    body: bytes = b""


CELLS: dict[str, tuple[Template, ...]] = {
    "healthy": (
        Template("GET", "/v1/items", 200),
        Template("GET", "/v1/items/{0}", 200),
        Template("GET", "/v1/items/{0}/reviews", 200),
        Template("GET", "/v1/items/{0}/reviews/{1}", 200),
        Template("GET", "/v1/items/{0}/stock", 200),
        Template("GET", "/v1/users/{0}", 200),
        Template("GET", "/v1/users/{0}/profile", 200),
        Template("GET", "/v1/users/{0}/addresses", 200),
        Template("GET", "/v1/users/{0}/addresses/{1}", 200),
        Template("GET", "/v1/users/{0}/wishlist", 200),
        Template("DELETE", "/v1/users/{0}/wishlist/{1}", 204),
        Template("POST", "/v1/orders", 201, ORDER),
        Template("GET", "/v1/orders/{0}", 200),
        Template("GET", "/v1/orders/{0}/lines", 200),
        Template("GET", "/v1/orders/{0}/lines/{1}", 200),
        Template("PUT", "/v1/orders/{0}/cancel", 200),
        Template("GET", "/v1/orders/{0}/invoice", 200),
    ),
    "error": (
        Template("GET", "/v1/items/{0}/sold-out", 409),
        Template("GET", "/v1/users/{0}/gone", 404),
        Template("GET", "/v1/orders/{0}/forbidden", 422),
    ),
}
"""What is counted apart: a request that succeeds and one that is answered by an exception handler."""


class Request(NamedTuple):
    """One concrete request with the status its answer must have."""

    method: str
    path: str
    status: int
    body: bytes

    def scope(self) -> Scope:
        """The ASGI scope as uvicorn would build it; a new one for each call, because applications write into it."""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 50000),
            "scheme": "http",
            "method": self.method,
            "root_path": "",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "headers": self.headers(),
            "state": {},
        }

    def headers(self) -> list[tuple[bytes, bytes]]:
        """A few common headers; those of a body only where there is one."""
        common = [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"bench/1"), (b"accept", b"*/*")]
        if self.body:
            size = str(len(self.body)).encode()
            common += [(b"content-type", b"application/json"), (b"content-length", size)]
        return common


def requests(cell: str, start: int = 0) -> Iterator[Request]:
    """The endless sequence of a cell from its `start`-th request on; the same in every run."""
    templates = CELLS[cell]
    number = start
    while True:
        template = templates[number % len(templates)]
        # 7919 is prime, so neighbouring requests get ids that are far apart; always five digits
        one, two = 10_000 + number * 7919 % 90_000, 10_000 + number * 104_729 % 90_000
        yield Request(template.method, template.path.format(one, two), template.status, template.body)
        number += 1


def rounds(cell: str, at_least: int) -> int:
    """The smallest number of requests ≥ `at_least` in which each route of the cell comes equally often."""
    length = len(CELLS[cell])
    return -(-at_least // length) * length


async def send(app: ASGIApp, requests_: Iterator[Request], count: int, *, check: bool = False) -> None:
    """Send `count` requests one after the other, with one turn of the event loop after each as in a server.

    Raises `AssertionError` if `check` is on and an answer has another status than expected.
    """
    for request in islice(requests_, count):
        status = await _one(app, request)
        if check and status != request.status:
            raise AssertionError(f"{request.method} {request.path}: {status}, expected {request.status}")
        await asyncio.sleep(0)


async def _one(app: ASGIApp, request: Request) -> int:
    status = 0
    body_read = False

    async def receive() -> Message:
        nonlocal body_read
        if body_read:  # the client stays connected: nothing more arrives
            await asyncio.get_running_loop().create_future()
        body_read = True
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def answer(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    await app(request.scope(), receive, answer)
    return status


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[None]:
    """Run the application's lifespan around the block, as a server does."""
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.ensure_future(app(scope, inbox.get, outbox.put))
    inbox.put_nowait({"type": "lifespan.startup"})
    await outbox.get()
    yield
    inbox.put_nowait({"type": "lifespan.shutdown"})
    await task
