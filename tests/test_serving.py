"""Stopping a service that is at work, by real signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import status


class Slow:
    """The slow service as a process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.api, self.management = (int(port) for port in process.stdout.readline().split())

    def wait(self, seconds: float) -> int:
        """Return the status of a request that takes so long, 0 when there was no answer."""
        return status(f"http://127.0.0.1:{self.api}/wait/{seconds}")

    def ready(self) -> int:
        """Return the status of the readiness probe."""
        return status(f"http://127.0.0.1:{self.management}/health/ready")

    def tell(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal, and let it arrive."""
        self.process.send_signal(number)
        time.sleep(0.2)

    def end(self) -> tuple[int, str]:
        """Return the exit code and what was printed."""
        assert self.process.stdout is not None
        code = self.process.wait(timeout=15)
        return code, self.process.stdout.read()


@contextmanager
def slow_service(repository: Path, drain: float = 0, finish: int = 10, *arguments: str) -> Iterator[Slow]:
    """Run the slow service until it is ready."""
    command = [sys.executable, "-m", "tests.slow_service", str(drain), str(finish), *arguments]
    with subprocess.Popen(
        command, cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            service = Slow(process)
            deadline = time.monotonic() + 10
            while not arguments and service.ready() != 200 and time.monotonic() < deadline:
                time.sleep(0.05)
            yield service
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_requests_finish_and_the_process_ends_with_0(repository: Path, number: signal.Signals) -> None:
    """Fifty of them; what comes later is refused."""
    with slow_service(repository) as service, ThreadPoolExecutor(50) as clients:
        answers = [clients.submit(service.wait, 1.5) for _ in range(50)]
        time.sleep(0.7)
        service.tell(number)
        assert service.wait(0) == 0
        assert [answer.result() for answer in answers] == [200] * 50
        code, printed = service.end()
        assert code == 0
        assert "cleaned up" in printed


def test_while_draining_it_is_not_ready_and_still_answers(repository: Path) -> None:
    """So that load balancers can turn away before it refuses."""
    with slow_service(repository, drain=1.5) as service:
        service.tell()
        assert (service.ready(), service.wait(0)) == (503, 200)
        assert service.end()[0] == 0


def test_probes_are_answered_until_the_last_request_is_done(repository: Path) -> None:
    """The management port stops last."""
    with slow_service(repository) as service, ThreadPoolExecutor(1) as clients:
        answer = clients.submit(service.wait, 1.5)
        time.sleep(0.3)
        service.tell()
        assert service.ready() == 503
        assert answer.result() == 200
        assert service.end()[0] == 0


def test_a_second_signal_ends_the_draining(repository: Path) -> None:
    """Ctrl-C twice is meant."""
    with slow_service(repository, drain=60) as service:
        service.tell()
        service.tell()
        assert service.end()[0] == 0


def test_a_third_signal_ends_the_waiting_for_requests(repository: Path) -> None:
    """Somebody is in a hurry."""
    with slow_service(repository, drain=60, finish=60) as service, ThreadPoolExecutor(1) as clients:
        answer = clients.submit(service.wait, 30)
        time.sleep(0.3)
        for _ in range(3):
            service.tell()
        assert service.end()[0] == 0
        assert answer.result() in (0, 500)


def test_a_request_that_does_not_end_is_given_up(repository: Path) -> None:
    """After the time that it is given."""
    with slow_service(repository, finish=1) as service, ThreadPoolExecutor(1) as clients:
        answer = clients.submit(service.wait, 30)
        time.sleep(0.3)
        service.tell()
        assert service.end()[0] == 0
        assert answer.result() in (0, 500)


def test_a_start_up_that_fails_ends_the_process(repository: Path) -> None:
    """With uvicorn's exit code for it, and the management server does not linger."""
    with slow_service(repository, 0, 10, "broken") as service:
        code, printed = service.end()
        assert code == 3
        assert "no database" in printed
