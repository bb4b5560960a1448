"""`python -m service.tools.healthcheck [URL ...]`: exit with 0 when each address answers with 200.

Without addresses it asks this container's own service whether it is ready. It is also the probe of images that have
none. It speaks no more HTTP than that takes and imports next to nothing, because it is run every few seconds.
"""

from __future__ import annotations

import os
import socket
import sys
from urllib.parse import urlsplit

LIMIT = 2.0
"""Seconds for each address."""


def main(urls: list[str]) -> int:
    """Ask them one after the other; the first that does not answer well is told on stderr, and 1 returned."""
    for url in urls or [own()]:
        problem = trouble(url)
        if problem:
            print(f"{url}: {problem}", file=sys.stderr)  # noqa: T201
            return 1
    return 0


def own() -> str:
    """Return where the service in this container tells whether it is ready."""
    port = os.environ.get("MANAGEMENT_PORT") or os.environ.get("PORT") or "8000"
    return f"http://127.0.0.1:{port}/health/ready"


def trouble(url: str) -> str:
    """Return what is wrong with an address, nothing if it answers with 200."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname, parts.port or 80), LIMIT) as peer:
            peer.settimeout(LIMIT)
            request = f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
            peer.sendall(request.encode())
            status = peer.makefile("rb").readline(1024).split()[1:2]
    except (OSError, ValueError) as problem:
        return str(problem)
    return "" if status == [b"200"] else f"it answered {b' '.join(status).decode(errors='replace') or 'nothing'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
