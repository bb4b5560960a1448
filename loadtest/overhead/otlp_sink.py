"""A collector on this machine that takes every span: `python -m loadtest.overhead.otlp_sink` is the worker."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from loadtest.overhead.blocks import serve
from loadtest.overhead.machine import pin


class Handler(BaseHTTPRequestHandler):
    """Takes what is sent, says yes, and keeps nothing."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the standard library's name
        """Take one request."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    pin(1)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    serve(lambda: f"http://127.0.0.1:{server.server_port}")
