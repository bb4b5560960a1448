"""The service as a process of its own, as `make run` starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

REPOSITORY = Path(__file__).parent.parent


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def status(url: str, timeout: float = 15) -> int:
    """Return the status of an answer, 0 when there was none within `timeout` seconds."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:  # noqa: S310
            code: int = answer.status
            return code
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


def launch(
    folder: Path, port: int, probe: int | None = None, stdout: int | IO[bytes] | None = None, **environ: str
) -> subprocess.Popen[bytes]:
    """Start serving with `folder` as working directory, where what it says goes unless `stdout` is given.

    Returns once it answers.
    """
    with (folder / "service.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve", "--port", str(port)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environ},
            stdout=log if stdout is None else stdout,
            stderr=log,
        )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        if status(f"http://127.0.0.1:{probe or port}/health/live", timeout=1) == 200:
            return process
        time.sleep(0.1)
    process.kill()
    raise RuntimeError(f"the service did not start: {(folder / 'service.log').read_text()[-2000:]}")


@contextmanager
def serving(folder: Path, probe: int | None = None, **environ: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve until the block ends; gives the address and the process. Health is asked on port `probe`, if given."""
    port = free_port()
    process = launch(folder, port, probe, **environ)
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait(timeout=10)
