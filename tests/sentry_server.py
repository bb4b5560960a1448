"""A server that speaks as much of Sentry's protocol as a client needs, keeps what arrives, and can misbehave.

Faults: `hang` never answers, `cut` closes in the middle of an answer, a number is the status that it answers.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

WAIT = 15.0


class SentryServer:
    """Envelopes that arrived, as raw bytes after decompression."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.bodies: list[bytes] = []
        self.requests = 0
        self.released = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def dsn(self) -> str:
        """Where a client sends to."""
        return f"http://0123456789abcdef0123456789abcdef@127.0.0.1:{self._http.server_address[1]}/1"

    @property
    def raw(self) -> bytes:
        """Everything that arrived."""
        return b"\n".join(self.bodies)

    def items(self, kind: str) -> list[dict[str, Any]]:
        """The payloads of one kind: `event`, `transaction` or `profile`."""
        found = []
        for body in list(self.bodies):
            lines = body.split(b"\n")
            for header, payload in zip(lines[1::2], lines[2::2], strict=False):
                if json.loads(header)["type"] == kind:
                    found.append(json.loads(payload))
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        """The error events."""
        return self.items("event")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                server.requests += 1
                if server.fault == "hang":
                    server.released.wait(60)
                elif server.fault == "cut":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf")
                    self.close_connection = True
                else:
                    server.answer(self, body)

            def log_message(self, *_: Any) -> None:
                """Be quiet."""

        return Handler

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Keep a body, or refuse it."""
        status = int(self.fault or 200)
        if status == 200:
            self.bodies.append(gzip.decompress(body) if handler.headers.get("content-encoding") == "gzip" else body)
        handler.send_response(status)
        if status == 429:
            handler.send_header("Retry-After", "60")
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)


@contextmanager
def sentry_server(fault: str = "") -> Iterator[SentryServer]:
    """Serve until the block ends."""
    with SentryServer(fault) as server:
        yield server


def eventually(condition: Callable[[], object]) -> bool:
    """Wait for a condition, and tell whether it came true."""
    deadline = time.monotonic() + WAIT
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return bool(condition())
