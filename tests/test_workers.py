"""Several workers on the same sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from service.__main__ import main
from service.telemetry.limits import cpu_limit, memory_limit
from tests.error_metrics.stores.test_disk import kept
from tests.servers import REPOSITORY, free_port, status

STARTED = re.compile(r"Started server process \[(\d+)\]")


@contextmanager
def serving(folder: Path, workers: int = 2, **environ: str) -> Iterator[tuple[subprocess.Popen[bytes], str, str]]:
    """Serve with some workers and a management port until the block ends; gives both addresses."""
    port, management = free_port(), free_port()
    (folder / "metrics").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve", "--port", str(port), "--workers", str(workers)],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": str(REPOSITORY),
                "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
                "MANAGEMENT_PORT": str(management),
                **environ,
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: len(pids(folder)) == workers)
        eventually(lambda: status(f"http://127.0.0.1:{management}/health/ready") == 200)
        yield process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{management}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def eventually(true: object) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 20
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def pids(folder: Path) -> list[int]:
    """Return the workers that have started; each says so for both of its servers."""
    return sorted({int(pid) for pid in STARTED.findall((folder / "log").read_text())})


def scraped(management: str) -> str:
    """Return the metrics page."""
    with urllib.request.urlopen(f"{management}/metrics", timeout=5) as answer:  # noqa: S310
        text: str = answer.read().decode()
    return text


def total(management: str, name: str, label: str = "") -> float:
    """Return the sum of a metric's series that have a label."""
    return sum(map(float, re.findall(rf"^{name}(?:{{.*{label}.*}})? (\S+)", scraped(management), re.MULTILINE)))


def counted(management: str) -> float:
    """Return how many requests for products all workers have counted."""
    return total(management, "http_requests_total", 'endpoint="/v1/products"')


def has_counted(management: str, requests: int) -> bool:
    """Tell whether all workers have counted so many; they do so when an answer is sent already."""
    return counted(management) == requests


def test_they_share_both_sockets_and_their_counts_and_are_replaced(tmp_path: Path) -> None:
    """Also the counts of one that was killed; SIGTERM ends them all with 0."""
    with serving(tmp_path) as (process, base, management):
        for _ in range(40):
            assert status(f"{base}/v1/products") == 200
        eventually(partial(has_counted, management, 40))
        assert status(f"{base}/metrics") == 404
        os.kill(pids(tmp_path)[0], signal.SIGKILL)
        eventually(lambda: len(pids(tmp_path)) == 3)
        for _ in range(10):
            assert status(f"{base}/v1/products") == 200
        eventually(partial(has_counted, management, 50))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=15) == 0
    text = (tmp_path / "log").read_text()
    assert "ended with -9, another takes its place" in text
    assert "Traceback" not in text


def test_counters_are_what_clients_were_answered_while_workers_are_killed(tmp_path: Path) -> None:
    """Two of four, under traffic. Only what a worker has answered and not yet counted when it dies is not counted."""
    answers: list[int] = []
    over = threading.Event()

    def ask(base: str) -> None:
        while not over.is_set():
            answers.append(status(f"{base}/v1/nowhere"))

    with serving(tmp_path, workers=4) as (_, base, management):
        clients = [threading.Thread(target=ask, args=(base,)) for _ in range(4)]
        for client in clients:
            client.start()
        for number in (5, 6):
            wanted = len(answers) + 200
            eventually(lambda wanted=wanted: len(answers) > wanted)  # type: ignore[misc]
            os.kill(pids(tmp_path)[number - 5], signal.SIGKILL)
            eventually(lambda number=number: len(pids(tmp_path)) == number)  # type: ignore[misc]
        over.set()
        for client in clients:
            client.join()
        answered = answers.count(404)
        assert set(answers) <= {404, 0}
        assert answers.count(0) <= 2 * 4
        time.sleep(1)  # a worker counts a request after its client has the answer
        requests = total(management, "http_requests_total", 'endpoint="/unknown"')
        assert 0 <= answered - requests <= 2
        assert requests == total(management, "http_request_duration_seconds_count", 'endpoint="/unknown"')
        assert 0 <= total(management, "fastapi_errors_total", 'error_code="399"') - requests <= 2
        for _ in range(20):
            assert status(f"{base}/v1/nowhere") == 404
        eventually(lambda: total(management, "http_requests_total", 'endpoint="/unknown"') == requests + 20)


def test_each_gauge_is_of_the_workers_that_live(tmp_path: Path) -> None:
    """Added up, the lowest or the newest, as its meaning is; also after all were killed, one in a request."""
    with serving(tmp_path, workers=3) as (_, base, management):
        expected = {
            "app_info": 1.0,
            "dependency_up": 2.0,  # there are two
            "db_connections_active": 0.0,
            "db_connections_max": 3 * 4.0,
            "http_requests_in_progress": 0.0,
            "process_cpu_limit_cores": cpu_limit(),
            "process_memory_limit_bytes": memory_limit(),
        }
        assert status(f"{base}/v1/products") == 200
        assert gauges(management) == expected
        with socket.create_connection(("127.0.0.1", int(base.rpartition(":")[2]))) as waiting:
            waiting.sendall(b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
            eventually(lambda: gauges(management) == {**expected, "http_requests_in_progress": 1.0})
            for number, pid in enumerate(pids(tmp_path), 4):
                os.kill(pid, signal.SIGKILL)
                eventually(lambda number=number: len(pids(tmp_path)) == number)  # type: ignore[misc]
                assert gauges(management)["dependency_up"] == 2
            assert status(f"{base}/v1/products") == 200
            eventually(lambda: gauges(management) == expected)


def gauges(management: str) -> dict[str, float]:
    """Return each gauge with the sum of its series, but for those of the samples."""
    names = re.findall(r"^# TYPE (?!fds_|ecommerce_|circuit_)(\w+) gauge$", scraped(management), re.MULTILINE)
    return {name: total(management, name) for name in names}


def test_lines_that_the_parent_writes_are_counted_once(tmp_path: Path) -> None:
    """However many workers are forked after them."""
    with serving(tmp_path, LOG_FORMAT="json") as (_, _base, management):
        for number in range(3, 7):
            os.kill(pids(tmp_path)[-1], signal.SIGKILL)
            eventually(lambda number=number: len(pids(tmp_path)) == number)  # type: ignore[misc]
            eventually(lambda: status(f"{management}/health/live") == 200)
        told = (tmp_path / "log").read_text().count("another takes its place")
        assert told == 4
        lines = total(management, "log_lines_total", 'level="warning"')
        assert told - 1 <= lines <= told  # the newest goes with the next child


def test_workers_show_one_picture_of_errors(tmp_path: Path) -> None:
    """In a folder, without Redis: whoever answers, also of workers that were killed and of runs before."""
    (tmp_path / "statistics").mkdir()
    environ = {"METRICS_STORAGE_PATH": str(tmp_path / "statistics")}

    def errors(management: str) -> set[int]:
        answers = []
        for _ in range(12):  # whichever workers they come from
            with urllib.request.urlopen(f"{management}/api/metrics", timeout=5) as answer:  # noqa: S310
                body = json.load(answer)
            answers.append(body["total_errors"] if not body["degraded"] else -1)
        return set(answers)

    with serving(tmp_path, workers=4, **environ) as (_, base, management):
        for _ in range(40):
            assert status(f"{base}/v1/nowhere") == 404
        eventually(lambda: errors(management) == {40})
        eventually(lambda: kept(tmp_path / "statistics") == 40)
        os.kill(pids(tmp_path)[0], signal.SIGKILL)
        eventually(lambda: len(pids(tmp_path)) == 5)
        for _ in range(10):
            assert status(f"{base}/v1/nowhere") == 404
        eventually(lambda: errors(management) == {50})
    (tmp_path / "log").unlink()
    with serving(tmp_path, workers=4, **environ) as (_, _base, management):
        eventually(lambda: errors(management) == {50})


@pytest.mark.parametrize("workers", [1, 2])
def test_counts_of_an_earlier_run_are_not_added(tmp_path: Path, workers: int) -> None:
    """The folder is emptied at the start."""
    for before in (0, 0):
        (tmp_path / "log").unlink(missing_ok=True)
        with serving(tmp_path, workers=workers) as (_, base, management):
            assert counted(management) == before
            status(f"{base}/v1/products")
            eventually(partial(has_counted, management, 1))


def test_a_worker_that_can_not_start_ends_them_all(tmp_path: Path) -> None:
    """With its exit code, and not in circles."""
    code = "from service.workers import Workers; raise SystemExit(Workers(3, lambda: 3).run())"
    assert run(code, tmp_path) == (3, "")


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_worker_that_is_told_to_end_while_it_is_forked_does_so(tmp_path: Path, number: str) -> None:
    """Rather than do as its parent would: tell the others, and go on."""
    code = f"""
import os, signal
from service.workers import Workers
forks = []
def tell():
    if len(forks) == 1:
        os.kill(os.getpid(), signal.{number})
os.register_at_fork(before=lambda: forks.append(1), after_in_child=tell)
def work():
    os.write(1, b"worker %d" % len(forks))
    return 3
raise SystemExit(Workers(1, work).run())
"""
    assert run(code, tmp_path) == (3, "worker 2")


def test_a_worker_that_is_forked_after_all_were_told_to_end_is_told_too(tmp_path: Path) -> None:
    """Else it would serve on, and its parent wait."""
    code = """
import logging, os, signal, time
from service.workers import Workers
told = []
class Teller(logging.Handler):
    def emit(self, record):  # of the line that another worker takes the place of the first
        told.append(1)
        os.kill(os.getpid(), signal.SIGTERM)
logging.getLogger("service.workers").addHandler(Teller())
def work():
    if not told:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(20)
    return 3
raise SystemExit(256 + Workers(1, work).run())
"""
    assert run(code, tmp_path) == (256 - signal.SIGTERM, "")


def run(code: str, folder: Path) -> tuple[int, str]:
    """Run Python in a process of its own; return its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("workers", "environ", "line"),
    [
        ("0", {}, "service: --workers: '0' is no number of workers, give one in 1-100"),
        ("many", {}, "service: --workers: 'many' is no number of workers"),
        ("2", {}, "service: PROMETHEUS_MULTIPROC_DIR: several workers add up their metrics in a folder"),
    ],
)
def test_what_is_wrong_is_one_line(
    capsys: pytest.CaptureFixture[str], workers: str, environ: dict[str, str], line: str
) -> None:
    """Before anything is started."""
    assert main(["serve", "--workers", workers]) == 1
    told = capsys.readouterr().err
    assert told.startswith(line)
    assert told.count("\n") == 1


def test_traces_that_can_not_be_set_up_are_a_line_of_each_worker(tmp_path: Path) -> None:
    """And the end of all: what is wrong is known only after the fork."""
    (tmp_path / "shared").mkdir()
    environ = {
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "shared"),
        "OTEL_ENABLED": "true",
        "OTEL_TRACES_EXPORTER": "fax",
    }
    done = subprocess.run(
        [sys.executable, "-m", "service", "serve", "--workers", "2", "--port", str(free_port())],
        env={**os.environ, **environ, "PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    told = [line for line in done.stderr.splitlines() if "OTEL_TRACES_EXPORTER" in line]
    assert (done.returncode, "Traceback" in done.stdout + done.stderr) == (1, False)
    assert 1 <= len(told) <= 2
    assert all(line.startswith("service: ") for line in told)


def test_each_worker_logs_lines_of_its_own(tmp_path: Path) -> None:
    """Whole, however many write to the same place."""
    with serving(tmp_path, LOG_FORMAT="json") as (_, base, _management):
        for _ in range(100):
            status(f"{base}/v1/products")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{")]
    assert len([line for line in lines if line["logger"] == "service.request"]) == 100
