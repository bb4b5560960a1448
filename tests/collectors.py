"""Stand-ins for a collector that fails: nothing real fails on command."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    mood = "works"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.over = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:  # the standard library's name
        """Take what is sent, as the server was told to."""
        self.rfile.read(int(self.headers["content-length"]))
        if self.server.mood == "hangs":
            self.server.over.wait(30)
        elif self.server.mood == "closes":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            self.connection.shutdown(socket.SHUT_RDWR)
        elif self.server.mood == "refuses":
            self.send_error(400)
        else:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def collector(mood: str) -> Iterator[str]:
    """Serve until the block ends: `works`, `hangs`, `closes` in the middle of the answer, or `refuses`."""
    server = _Server()
    server.mood = mood
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
