"""Ending a service whose surroundings don't answer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from testcontainers.core.container import DockerContainer

from tests.servers import REPOSITORY, free_port, launch, status

PORT = 5432


@pytest.fixture
def postgres() -> Iterator[tuple[str, DockerContainer]]:
    """A PostgreSQL server that answers."""
    container = DockerContainer("postgres:17").with_env("POSTGRES_PASSWORD", "secret")
    container.ports[PORT] = ("127.0.0.1", port := free_port())  # type: ignore[assignment]
    with container:
        yield f"postgresql+asyncpg://postgres:secret@127.0.0.1:{port}/postgres", container


@pytest.mark.docker
def test_a_database_that_hangs_keeps_nobody_from_leaving(postgres: tuple[str, DockerContainer], tmp_path: Path) -> None:
    """SIGTERM, and the process is gone soon, although connections can't be closed as they should."""
    url, container = postgres
    for _ in range(60):
        command = [sys.executable, "-m", "service", "migrate"]
        done = subprocess.run(command, cwd=REPOSITORY, env={"DATABASE_URL": url}, capture_output=True)
        if done.returncode == 0:
            break
        time.sleep(0.5)
    process = launch(tmp_path, port := free_port(), DATABASE_URL=url, SHUTDOWN_SECONDS="2")
    try:
        for _ in range(5):
            assert status(f"http://127.0.0.1:{port}/v1/products") == 200
        container.get_wrapped_container().pause()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        container.get_wrapped_container().unpause()
        process.kill()
        process.wait(timeout=10)


def serves_and_stops(command: list[str], folder: Path, stdout: IO[bytes], stderr: IO[bytes] | None, **env: str) -> None:
    """Start a service, ask it until it answers, and end it."""
    port = free_port()
    process = subprocess.Popen(
        [*command, sys.executable, "-m", "service", "serve", "--port", str(port)],
        cwd=folder,
        env={"PYTHONPATH": str(REPOSITORY), **env},
        stdout=stdout,
        stderr=stderr,
    )
    try:
        deadline = time.monotonic() + 30
        while status(f"http://127.0.0.1:{port}/v1/products") != 200:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.terminate()
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait(timeout=10)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_both_streams_keeps_nobody_from_being_served(tmp_path: Path) -> None:
    """As with `>> service.log 2>&1`."""
    with Path("/dev/full").open("wb") as full:
        serves_and_stops([], tmp_path, full, full)


def test_a_welcome_that_nobody_can_read_is_not_among_the_logs(tmp_path: Path) -> None:
    """Where stderr was closed before the start, Python would print it to stdout."""
    closing = ["sh", "-c", 'exec "$@" 2>&-', "sh"]
    with (tmp_path / "log").open("wb") as log:
        serves_and_stops(closing, tmp_path, log, None, LOG_FORMAT="json")
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines
    assert all(line.startswith("{") for line in lines)
