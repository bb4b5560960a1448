"""The command line, as a user types it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from service.__main__ import main
from tests.servers import free_port, serving, status


def service(*arguments: str, cwd: Path, repository: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m service`."""
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(repository), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_serve_answers_and_stops_cleanly_when_told(tmp_path: Path) -> None:
    """SIGTERM ends it with 0."""
    with serving(tmp_path) as (base, process):
        with urllib.request.urlopen(f"{base}/v1/products", timeout=5) as answer:  # noqa: S310
            assert b"Celadon" in answer.read()
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert (tmp_path / "shop.db").exists()


@pytest.mark.parametrize(
    ("arguments", "environ", "line"),
    [
        (("serve",), {"ENVIRONMENT": "production"}, "service: dashboard_token: production needs one"),
        (("serve",), {"ENVIRONMENT": "prod"}, "service: environment: Input should be 'development'"),
        (("serve",), {"METRICS_MAX_EVENST": "1"}, "service: METRICS_MAX_EVENST: there is no such setting"),
        (("serve",), {"METRICS_MAX_EVENTS": "0"}, "service: max_history_size: Input should be greater"),
        (("serve",), {"DATABASE_URL": "nonsense"}, "service: database_url: "),
        (
            ("migrate",),
            {"DATABASE_URL": "sqlite+aiosqlite:////nowhere/x.db"},
            "service: database_url: there is no folder /nowhere",
        ),
    ],
)
def test_a_bad_setting_is_one_line_and_exit_1(
    tmp_path: Path, repository: Path, arguments: tuple[str, ...], environ: dict[str, str], line: str
) -> None:
    """No traceback."""
    done = service(*arguments, cwd=tmp_path, repository=repository, **environ)
    assert done.returncode == 1
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_a_bad_port_is_explained(tmp_path: Path, repository: Path) -> None:
    """By the command line itself."""
    done = service("serve", "--port", "99999", cwd=tmp_path, repository=repository)
    assert done.returncode == 2
    assert "'99999' is no port" in done.stderr


def test_a_taken_port_is_one_line_and_exit_1(tmp_path: Path, repository: Path) -> None:
    """It names the port and the way out."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        done = service("serve", "--port", str(port), cwd=tmp_path, repository=repository)
    assert done.returncode == 1
    assert done.stderr == f"service: port {port} of 127.0.0.1 is taken, choose another with --port\n"


def test_the_management_port_has_what_the_api_has_not(tmp_path: Path) -> None:
    """So that a network policy can keep it from the public one."""
    management = free_port()
    with serving(tmp_path, probe=management, MANAGEMENT_PORT=str(management)) as (base, process):
        beside = f"http://127.0.0.1:{management}"
        for path in ("/metrics", "/api/metrics", "/dashboard", "/health", "/health/live", "/health/ready"):
            assert (path, status(base + path), status(beside + path)) == (path, 404, 200)
        assert (status(f"{base}/v1/products"), status(f"{beside}/v1/products")) == (200, 404)
        with urllib.request.urlopen(f"{beside}/metrics", timeout=5) as answer:  # noqa: S310
            counted = re.findall(r'http_requests_total{endpoint="([^"]+)".*} (\d+)', answer.read().decode())
        assert dict(counted) == {"/v1/products": "1", "/unknown": "6"}
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_a_taken_management_port_names_its_setting(tmp_path: Path, repository: Path) -> None:
    """The command line has no option for it."""
    port = str(free_port())
    done = service("serve", "--port", port, cwd=tmp_path, repository=repository, MANAGEMENT_PORT=port)
    assert (done.returncode, done.stderr) == (
        1,
        f"service: port {port} of 127.0.0.1 is taken, choose another with MANAGEMENT_PORT\n",
    )


def test_migrate_and_seed_can_be_run_alone(tmp_path: Path, repository: Path) -> None:
    """And say what they did."""
    assert service("migrate", cwd=tmp_path, repository=repository).stdout == "database is at revision 0001\n"
    assert service("seed", cwd=tmp_path, repository=repository).stdout == "added 10 products\n"
    assert "nothing added" in service("seed", cwd=tmp_path, repository=repository).stdout


def test_seeding_before_migrating_says_what_is_missing(tmp_path: Path, repository: Path) -> None:
    """In one line."""
    done = service("seed", cwd=tmp_path, repository=repository)
    assert done.returncode == 1
    assert done.stderr == "service: no such table: products; run `python -m service migrate` first\n"


def test_errors_prints_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    """As a table, or as the page of the documentation."""
    assert main(["errors"]) == 0
    assert "OutOfStock" in capsys.readouterr().out
    assert main(["errors", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("# Error codes")
