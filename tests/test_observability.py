"""The whole service with logs and traces on, as a process of its own, while things around it fail."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import jsonschema_rs
import pytest

from service.telemetry.keeping import MARKED_FRACTION, fraction
from tests.collectors import collector
from tests.servers import REPOSITORY, free_port, launch, status

KEY = "0123456789abcdef"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "FINGERPRINT_KEY": KEY,
    "API_KEYS": f"till:{KEY}",
    "METRICS_DASHBOARD_TOKEN": "t" * 32,
    "OTEL_ENABLED": "true",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
}
MARKED = next(name for number in range(1, 10_000) if fraction(name := f"{number:032x}") < MARKED_FRACTION)
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


class Running:
    """A service, and where it is."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def get(self, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
        """Ask for something."""
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers or {})
        answer: http.client.HTTPResponse = urllib.request.urlopen(asked, timeout=10)  # noqa: S310
        return answer

    def metric(self, name: str) -> float:
        """Return the sum of a metric's samples."""
        text = self.get("/metrics").read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=20)


@contextmanager
def running(folder: Path, stdout: int | IO[bytes], **environ: str) -> Iterator[Running]:
    """Serve until the block ends, with `stdout` as standard output."""
    process = launch(folder, port := free_port(), stdout=stdout, **environ)
    try:
        yield Running(process, port)
    finally:
        process.kill()
        process.wait(timeout=10)


def lines(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a log."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_request_is_found_by_its_ids(tmp_path: Path, repository: Path) -> None:
    """In its answer, in the log, and as the exemplar of its latency; every line fits the schema."""
    headers = {"X-Request-ID": "mine", "traceparent": f"00-{MARKED}-00f067aa0ba902b7-01"}
    with (
        collector("works") as address,
        (tmp_path / "log").open("wb") as log,
        running(tmp_path, log, **PRODUCTION, OTEL_EXPORTER_OTLP_ENDPOINT=address) as service,
    ):
        assert service.get("/v1/products", headers).headers["X-Request-ID"] == "mine"
        exposed = service.get("/metrics", OPENMETRICS).read().decode()
        assert service.stop() == 0
    (line,) = [line for line in lines(tmp_path / "log") if line.get("request_id") == "mine"]
    assert (line["trace_id"], line["endpoint"], line["status_code"]) == (MARKED, "/v1/products", 200)
    assert re.search(
        rf'http_request_duration_seconds_bucket{{.*endpoint="/v1/products".*}} .*# {{trace_id="{MARKED}"}}', exposed
    )
    schema = jsonschema_rs.validator_for(json.loads((repository / "docs" / "log-line.schema.json").read_text()))
    for line in lines(tmp_path / "log"):
        schema.validate(line)


def test_where_nothing_is_sent_there_are_no_exemplars(tmp_path: Path) -> None:
    """They would be dead links."""
    with running(tmp_path, subprocess.DEVNULL, **PRODUCTION, OTEL_TRACES_EXPORTER="none") as service:
        service.get("/v1/products", {"traceparent": f"00-{MARKED}-00f067aa0ba902b7-01"})
        assert "trace_id=" not in service.get("/metrics", OPENMETRICS).read().decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_stdout_costs_lines_only(tmp_path: Path) -> None:
    """They are counted, and the service ends cleanly."""
    with Path("/dev/full").open("wb") as full, running(tmp_path, full, LOG_FORMAT="json") as service:
        for _ in range(20):
            assert service.get("/v1/products").status == 200
        time.sleep(0.3)
        assert service.metric('log_lines_dropped_total{level="info",reason="write_failed"}') >= 20
        assert service.stop() == 0


def test_a_stdout_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    """Requests are answered, memory is bounded, and the service ends."""
    read, write = os.pipe()
    with running(tmp_path, write, LOG_FORMAT="json", LOG_LEVEL="debug") as service:
        os.close(write)
        for _ in range(500):  # a pipe holds 64 KiB, about 200 lines
            assert service.get("/v1/products").status == 200
        assert service.stop() == 0
    os.close(read)


def test_a_closed_stdout_costs_lines_only(tmp_path: Path) -> None:
    """As when the program that it was piped into has ended."""
    read, write = os.pipe()
    with running(tmp_path, write, LOG_FORMAT="json") as service:
        os.close(write)
        os.close(read)
        for _ in range(20):
            assert service.get("/v1/products").status == 200
        time.sleep(0.3)
        assert service.metric('log_lines_dropped_total{level="info",reason="write_failed"}') >= 20
        assert service.stop() == 0


@pytest.mark.parametrize("mood", ["hangs", "closes", "refuses"])
def test_a_bad_collector_costs_spans_only(tmp_path: Path, mood: str) -> None:
    """They are counted, and the service ends in time."""
    environ = {
        **PRODUCTION,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BSP_MAX_QUEUE_SIZE": "20",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10",
    }
    with (
        collector(mood) as address,
        running(tmp_path, subprocess.DEVNULL, **environ, OTEL_EXPORTER_OTLP_ENDPOINT=address) as service,
    ):
        for _ in range(50):
            assert service.get("/v1/products").status == 200
        time.sleep(0.5)
        assert service.metric("otel_spans_dropped_total") > 0
        started = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - started < 6


def test_running_requests_finish_whatever_hangs(tmp_path: Path) -> None:
    """SIGTERM during fifty of them, with a collector that hangs and a stdout that nobody reads."""
    read, write = os.pipe()
    facts = {"transaction_id": "t1", "user_id": "u1", "amount": 1, "card": "c1", "ip": "198.18.0.1", "country": "KR"}
    body = json.dumps({**facts, "card_country": "KR", "account_age_days": 1}).encode()
    with ExitStack() as stack:
        address = stack.enter_context(collector("hangs"))
        service = stack.enter_context(running(tmp_path, write, **PRODUCTION, OTEL_EXPORTER_OTLP_ENDPOINT=address))
        calls = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 20)) for _ in range(50)]
        head = (
            "POST /v1/evaluate HTTP/1.1",
            "Host: x",
            "Content-Type: application/json",
            f"X-API-Key: {KEY}",
            f"Content-Length: {len(body)}",
        )
        for call in calls:
            call.sendall("\r\n".join((*head, "", "")).encode() + body[:5])
        time.sleep(0.5)
        service.process.terminate()
        time.sleep(0.5)
        for call in calls:
            call.sendall(body[5:])
        answers = [call.recv(65536).split(b"\r\n", 1)[0] for call in calls]
        assert {answer.split()[1] for answer in answers} <= {b"201", b"200"}
        assert service.process.wait(timeout=20) == 0
    os.close(read)
    os.close(write)


def test_header_bombs_are_refused_or_survived(tmp_path: Path) -> None:
    """Many headers, long ones, and ids that would forge a line."""
    with (tmp_path / "log").open("wb") as log, running(tmp_path, log, LOG_FORMAT="json") as service:
        for headers in (
            {"traceparent": "0" * 30_000},
            {"X-Request-ID": "x" * 10_000},
            {f"X-{number}": "y" for number in range(500)},
            {"tracestate": ",".join(f"a{number}=b" for number in range(2000))},
            {"baggage": ",".join(f"a{number}=b" for number in range(2000))},
        ):
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
            connection.request("GET", "/v1/products", headers=headers)
            assert connection.getresponse().status in (200, 400, 431)
            connection.close()
        assert service.get("/v1/products").status == 200
        assert service.stop() == 0
    assert all(len(line["request_id"]) <= 128 for line in lines(tmp_path / "log") if "request_id" in line)


def test_a_stdout_closed_at_the_start_is_nobody_elses(tmp_path: Path) -> None:
    """The number of its descriptor would be that of the next socket, and lines would go there."""
    command = [sys.executable, "-m", "service", "serve", "--port", str(port := free_port())]
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "LOG_FORMAT": "json"},
        stderr=subprocess.DEVNULL,
    )
    try:
        service = Running(process, port)
        deadline = time.monotonic() + 30
        while not status(f"http://127.0.0.1:{port}/health/live") and time.monotonic() < deadline:
            time.sleep(0.1)
        for _ in range(5):
            assert service.get("/v1/products").status == 200
        time.sleep(0.3)
        assert service.metric('log_lines_dropped_total{level="info",reason="write_failed"}') >= 5
        assert service.metric("log_lines_total") == 0
        assert service.stop() == 0
    finally:
        process.kill()
        process.wait(timeout=10)
