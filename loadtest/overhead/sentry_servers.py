"""Addresses of Sentry servers in good and in bad state, for the variants that report to one."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def answering(status: int = 200) -> str:
    """A server in a thread of this process; its time is not the request's own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.send_header("Retry-After", "60")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_address[1]}"


def down() -> str:
    """A port that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


def hanging() -> str:
    """A port that takes connections and never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    _open.append(listener)
    return f"127.0.0.1:{listener.getsockname()[1]}"


_open: list[socket.socket] = []
