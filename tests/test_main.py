"""The command line, as a user types it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from service.__main__ import main
from service.migrations import head
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
        (
            ("serve",),
            {"ENVIRONMENT": "production", "METRICS_DASHBOARD_TOKEN": "t" * 31},
            "service: dashboard_token: production needs 32 characters or more, try `openssl rand -hex 16`",
        ),
        (
            ("serve",),
            {"ENVIRONMENT": "production", "METRICS_DASHBOARD_TOKEN": "t" * 32, "METRICS_PII_FIELDS": "none"},
            "service: pii_fields: production must hide secrets by name, leave it unset or add password",
        ),
        (("serve",), {"ENVIRONMENT": "prod"}, "service: environment: Input should be 'development'"),
        (("serve",), {"METRICS_MAX_EVENST": "1"}, "service: METRICS_MAX_EVENST: there is no such setting"),
        (("serve",), {"METRICS_MAX_EVENTS": "0"}, "service: max_history_size: Input should be greater"),
        (("serve",), {"DATABASE_URL": "nonsense"}, "service: database_url: "),
        *(
            (
                ("serve",),
                {"DATABASE_URL": f"sqlite+aiosqlite://me:secret@db:{port}/x"},
                "service: database_url: its port is no number in 1-65535, write driver://user:password@host:port/name",
            )
            for port in ("abc", "0", "65536", "")
        ),
        (
            ("serve",),
            {"DATABASE_URL": "mysql+aiomysql://x"},
            "service: database_url: its driver is missing: pip install aiomysql",
        ),
        (
            ("serve",),
            {"METRICS_PROMETHEUS_PATH": "/v1/products"},
            "service: prometheus_path: the application has /v1/products",
        ),
        (("serve",), {"METRICS_PROMETHEUS_PATH": "/health"}, "service: prometheus_path: the application has /health"),
        (("serve",), {"METRICS_PROMETHEUS_PATH": "/docs"}, "service: prometheus_path: the application has /docs"),
        (("serve",), {"METRICS_PROMETHEUS_PATH": "metrics"}, "service: prometheus_path: begin it with a slash"),
        (("serve",), {"METRICS_DASHBOARD_TOKEN": "a b"}, "service: dashboard_token: use 1 to 1,024 ASCII characters"),
        (("serve",), {"SERVICE_NAME": "a b"}, "service: service_name: use 1 to 63 letters"),
        (
            ("serve",),
            {"ENVIRONMENT": "production", "METRICS_ENVIRONMENT": "development"},
            "service: METRICS_ENVIRONMENT: contradicts ENVIRONMENT",
        ),
        (("serve",), {"METRICS_MAX_EVENTS": "5", "METRICS_MAX_HISTORY_SIZE": "7"}, "service: max_events: is another"),
        (("serve",), {"PROMETHEUS_MULTIPROC_DIR": ""}, "service: PROMETHEUS_MULTIPROC_DIR: there is no folder ''"),
        (
            ("serve",),
            {"PROMETHEUS_MULTIPROC_DIR": "/no"},
            "service: PROMETHEUS_MULTIPROC_DIR: there is no folder",
        ),
        (
            ("migrate",),
            {"DATABASE_URL": "sqlite+aiosqlite:////nowhere/x.db"},
            "service: database_url: there is no folder /nowhere",
        ),
    ],
)
def test_a_bad_setting_is_one_line_and_exit_1(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    environ: dict[str, str],
    line: str,
) -> None:
    """No traceback."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert told.startswith(line)
    assert told.count("\n") == 1


def test_the_process_ends_with_the_code_of_its_command(tmp_path: Path, repository: Path) -> None:
    """And says nothing else."""
    done = service("serve", cwd=tmp_path, repository=repository, ENVIRONMENT="production")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("service: dashboard_token: production needs one")


@pytest.mark.parametrize("port", ["99999", "abc", "-1", "80x"])
def test_a_bad_port_is_one_line_and_exit_1(capsys: pytest.CaptureFixture[str], port: str) -> None:
    """It names the option."""
    assert main(["serve", f"--port={port}"]) == 1
    assert capsys.readouterr().err == f"service: --port: {port!r} is no port, give a number in 0-65535\n"


def test_a_bad_number_of_opentelemetry_is_one_line_and_exit_1(tmp_path: Path, repository: Path) -> None:
    """The SDK would log a traceback, and go on with its default."""
    done = service(
        "serve", "--port", "0", cwd=tmp_path, repository=repository, OTEL_ENABLED="true", OTEL_BSP_SCHEDULE_DELAY="abc"
    )
    line = "service: OTEL_BSP_SCHEDULE_DELAY: 'abc' is no whole number from 1 on, the default is 5000\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)


@pytest.mark.parametrize("command", ["serve", "errors"])
def test_a_propagator_that_is_not_there_is_one_line_and_exit_1(tmp_path: Path, repository: Path, command: str) -> None:
    """Though FastAPI imports OpenTelemetry before any setting is read."""
    done = service(command, cwd=tmp_path, repository=repository, OTEL_PROPAGATORS="tracecontext,b3")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("service: OTEL_PROPAGATORS: ")
    assert done.stderr.endswith(" Use tracecontext, baggage, both or none.\n")
    assert "b3" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_no_database_names_the_setting(tmp_path: Path, repository: Path) -> None:
    """In one line."""
    (tmp_path / "x.db").write_text("nothing of the kind" * 100)
    done = service("migrate", cwd=tmp_path, repository=repository, DATABASE_URL="sqlite+aiosqlite:///x.db")
    assert done.returncode == 1
    assert done.stderr.startswith("service: database_url: ")
    assert done.stderr.count("\n") == 1


def test_the_welcome_names_only_what_is_there(tmp_path: Path) -> None:
    """Not a dashboard that is switched off."""
    with serving(tmp_path, METRICS_DASHBOARD_ENABLED="false", METRICS_PROMETHEUS_PATH="/scrape"):
        told = (tmp_path / "service.log").read_text().splitlines()[0]
    assert "/dashboard" not in told
    assert told.endswith("/scrape for Prometheus")


def test_a_taken_port_is_one_line_and_exit_1(tmp_path: Path, repository: Path) -> None:
    """It names the port and the way out."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        done = service("serve", "--port", str(port), cwd=tmp_path, repository=repository)
    assert done.returncode == 1
    assert done.stderr == f"service: port {port} of 127.0.0.1 is taken, choose another with --port\n"


@pytest.mark.parametrize(("trusted", "client"), [("", "127.0.0.1"), ("127.0.0.0/8", "203.0.113.7")])
def test_only_trusted_proxies_are_believed(tmp_path: Path, trusted: str, client: str) -> None:
    """Anybody can send X-Forwarded-For."""
    with serving(tmp_path, TRUSTED_PROXIES=trusted, LOG_FORMAT="json", LOG_CLIENT_IP="full") as (base, _):
        asked = urllib.request.Request(f"{base}/v1/products", headers={"X-Forwarded-For": "203.0.113.7"})  # noqa: S310
        urllib.request.urlopen(asked, timeout=5).close()  # noqa: S310
        deadline = time.monotonic() + 5
        while '"client_ip"' not in (log := (tmp_path / "service.log").read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert f'"client_ip":"{client}"' in log


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
    assert service("migrate", cwd=tmp_path, repository=repository).stdout == f"database is at revision {head()}\n"
    assert service("seed", cwd=tmp_path, repository=repository).stdout.startswith("added 10 products, 50 users (")
    assert "nothing added" in service("seed", cwd=tmp_path, repository=repository).stdout


def test_seeding_before_migrating_says_what_is_missing(tmp_path: Path, repository: Path) -> None:
    """In one line."""
    done = service("seed", cwd=tmp_path, repository=repository)
    assert done.returncode == 1
    assert done.stderr == "service: no such table: users; run `python -m service migrate` first\n"


def test_errors_prints_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    """As a table, or as the page of the documentation."""
    assert main(["errors"]) == 0
    assert "OutOfStock" in capsys.readouterr().out
    assert main(["errors", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("# Error codes")
