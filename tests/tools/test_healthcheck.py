"""Asking whether something is well."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from service.tools.healthcheck import main, own
from tests.servers import free_port


@contextmanager
def answering(status: int) -> Iterator[str]:
    """Answer everything so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/ready"
        server.shutdown()


def test_all_addresses_must_answer_with_200(capsys: pytest.CaptureFixture[str]) -> None:
    """The first that does not is named."""
    with answering(200) as good, answering(503) as bad:
        assert main([good, good]) == 0
        assert main([good, bad]) == 1
        assert capsys.readouterr().err == f"{bad}: it answered 503\n"


@pytest.mark.parametrize("url", ["http://127.0.0.1:{closed}/", "http://nowhere.invalid/", "http://127.0.0.1:{silent}/"])
def test_what_does_not_answer_is_one_line(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed, unknown or silent."""
    monkeypatch.setattr("service.tools.healthcheck.LIMIT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = url.format(closed=free_port(), silent=silent.getsockname()[1])
        assert main([asked]) == 1
    assert capsys.readouterr().err.startswith(f"{asked}: ")


@pytest.mark.parametrize(
    ("settings", "port"), [({}, 8000), ({"PORT": "8001"}, 8001), ({"PORT": "8001", "MANAGEMENT_PORT": "9000"}, 9000)]
)
def test_it_asks_its_own_service(settings: dict[str, str], port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where health is served."""
    for name in ("PORT", "MANAGEMENT_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert own() == f"http://127.0.0.1:{port}/health/ready"


def test_it_imports_nothing_heavy() -> None:
    """It is run every few seconds, in each container."""
    code = (
        "import sys, service.tools.healthcheck as it; print(*{'ssl', 'asyncio', 'fastapi', 'email'} & set(sys.modules))"
    )
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert told.stdout == "\n"
