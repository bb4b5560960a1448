"""Shop and fraud service as processes of their own, and what can be wrong with the latter."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

from service.database import make_engine
from tests.remote import Remote
from tests.servers import free_port, launch
from tests.shop.clients import Buyer, buyer
from tests.tcp_proxy import Proxy

from .books import audit

KEY, OTHER_KEY = "0123456789abcdef-shop", "0123456789abcdef-till"


class Fraud:
    """The fraud service: a process that can be ended, stopped and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process = self._launched(KEY)

    def start(self, key: str = KEY) -> None:
        """Serve again, for who has this key."""
        self._process = self._launched(key)

    def kill(self) -> None:
        """End it without a word."""
        self._process.kill()
        self._process.wait(10)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self._process.pid, number)

    def _launched(self, key: str) -> subprocess.Popen[bytes]:
        environ = {"SERVICE_APP": "fds", "FAULTS_ENABLED": "true", "API_KEYS": f"shop:{key}"}
        return launch(self._folder, self.port, **environ)


class Stack:
    """Shop, fraud service, and the network between them."""

    def __init__(self, shop: str, folder: Path, fraud: Fraud, network: Proxy) -> None:
        self.shop = Remote(shop)
        self.database_url = f"sqlite+aiosqlite:///{folder}/shop.db"
        self.fraud = fraud
        self.network = network

    async def buyer(self) -> Buyer:
        """Return somebody new: who buys too often is suspected."""
        return await buyer(self.shop, uuid4().hex[:12])  # type: ignore[arg-type]

    async def audit(self) -> None:
        """Check that goods and money add up."""
        engine = make_engine(self.database_url)
        await audit(engine)
        await engine.dispose()

    async def recovered(self) -> None:
        """Wait until orders are judged and paid again, without anybody's doing."""
        for _ in range(40):
            who = await self.buyer()
            if (await who.check_out((2, 1), device=uuid4().hex)).status == 201:
                return
            await asyncio.sleep(0.5)  # each try is somebody who registers, which is dear
        raise AssertionError("the shop does not ask the fraud service again")


@asynccontextmanager
async def killed(stack: Stack) -> AsyncIterator[str]:
    """Nobody listens."""
    stack.fraud.kill()
    try:
        yield "none"
    finally:
        stack.fraud.start()


@asynccontextmanager
async def stopped(stack: Stack) -> AsyncIterator[str]:
    """It takes calls and answers none."""
    stack.fraud.send(signal.SIGSTOP)
    try:
        yield "none"
    finally:
        stack.fraud.send(signal.SIGCONT)


@asynccontextmanager
async def two_seconds_late(stack: Stack) -> AsyncIterator[str]:
    """Its answers come when nobody waits any more."""
    with stack.network.slow(2.0):
        yield "none"


@asynccontextmanager
async def failing(stack: Stack) -> AsyncIterator[str]:
    """Each call is answered with 500."""
    with answering(stack, 500, b'{"error_code": 599}'):
        yield "500"


@asynccontextmanager
async def talking_nonsense(stack: Stack) -> AsyncIterator[str]:
    """Somebody else answers there."""
    with answering(stack, 200, b'{"decision": ["approve"], "risk_score": null}'):
        yield "200"


@asynccontextmanager
async def with_another_key(stack: Stack) -> AsyncIterator[str]:
    """The shop's key is not known there any more."""
    stack.fraud.kill()
    stack.fraud.start(OTHER_KEY)
    try:
        yield "401"
    finally:
        stack.fraud.kill()
        stack.fraud.start()


@contextmanager
def answering(stack: Stack, status: int, body: bytes) -> Iterator[None]:
    """Let a server stand in that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # the library's name
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.network.target = server.server_port
        stack.network.cut()
        try:
            yield
        finally:
            stack.network.target = stack.fraud.port
            stack.network.cut()
            server.shutdown()
