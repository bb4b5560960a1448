"""A Redis that can be killed, and collectors that share it."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from service.error_metrics import BaseAppException, ErrorMetricsCollector, MetricsConfig
from service.error_metrics.events import new_request_id
from service.error_metrics.stores import disk, shared
from tests.servers import free_port

PORT = 6379
PASSWORD = "hunter22"


forks = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stores of this process take their turns more often."""
    monkeypatch.setattr(shared, "TURN", 0.1)
    monkeypatch.setattr(shared, "LONGEST_PAUSE", 0.3)
    monkeypatch.setattr(disk, "BETWEEN_WRITES", 0.1)


def in_a_child(collector: ErrorMetricsCollector, errors: int, total: int) -> bool:
    """Count errors in a forked child; tell whether it then shows a total."""
    pid = os.fork()
    if pid == 0:
        try:
            record(collector, errors)
            eventually(collector.close)
            eventually(lambda: agree([collector], total))
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def eventually(true: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be so"
        time.sleep(0.05)


def record(collector: ErrorMetricsCollector, errors: int, code: int = 310) -> None:
    """Count so many errors of one code."""
    for number in range(errors):
        collector.record(BaseAppException(code, f"number {number}", 404))


class Server:
    """A Redis that keeps nothing on disk, in a container, always at the same address."""

    def __init__(self) -> None:
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy

        port = free_port()
        self.container = DockerContainer("redis:8").waiting_for(LogMessageWaitStrategy("Ready to accept connections"))
        self.container.with_command(["redis-server", "--save", "", "--appendonly", "no", "--requirepass", PASSWORD])
        self.container.ports[PORT] = ("127.0.0.1", port)  # type: ignore[assignment]
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        self.service = ""  # of this test: collectors of the last one may still publish
        self.wrong_url = f"redis://:letmein99@127.0.0.1:{port}/0"

    @property
    def docker(self) -> Any:
        """The container as Docker's client has it."""
        return self.container.get_wrapped_container()

    def collectors(self, number: int, **settings: Any) -> list[ErrorMetricsCollector]:
        """Return replicas of one service that share it."""
        return collectors(number, **{"redis_url": self.url, "service": self.service, **settings})

    def key(self, name: str) -> str:
        """Return a key of the replicas."""
        return f"error-metrics:{self.service}:development:{name}"

    def every_key(self) -> list[bytes]:
        """Return all keys of the replicas."""
        with self.client() as client:
            return list(client.scan_iter(self.key("*")))

    def client(self) -> Any:
        """Return a client."""
        from redis import Redis

        return Redis.from_url(self.url, decode_responses=False)

    def restart_empty(self) -> None:
        """Kill it and start it again; nothing was saved."""
        self.docker.kill()
        self.docker.start()
        eventually(self.answers)

    def answers(self) -> bool:
        """Tell whether it is there."""
        from redis.exceptions import RedisError

        with self.client() as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False


@pytest.fixture(scope="module")
def redis_server() -> Iterator[Server]:
    """One for the tests of a module."""
    server = Server()
    with server.container:
        yield server


@pytest.fixture
def server(redis_server: Server) -> Iterator[Server]:
    """One with nothing of this test's service."""
    redis_server.service = new_request_id()
    yield redis_server
    gc.collect()  # ends the threads of this test's collectors


def collectors(number: int, **settings: Any) -> list[ErrorMetricsCollector]:
    """Return so many collectors, each as a process would have it."""
    return [ErrorMetricsCollector(MetricsConfig.testing(**settings)) for _ in range(number)]


def agree(collectors: list[ErrorMetricsCollector], total: int) -> bool:
    """Tell whether all of them show a total, and none says that it is degraded."""
    snapshots = [collector.snapshot() for collector in collectors]
    return all(shown.total_errors == total and not shown.degraded for shown in snapshots)


class Wire:
    """A way to a server on 127.0.0.1 that `works`, is `slow` (two seconds each way) or `drips` byte by byte."""

    def __init__(self, port: int) -> None:
        self.mood = "works"
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.server, self.here = f":{port}/", f":{self._listener.getsockname()[1]}/"
        self._open = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._open += [client, server]
                threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                time.sleep(2 if self.mood == "slow" else 0)
                while data and self.mood == "drips":
                    target.sendall(data[:1])
                    data = data[1:]
                    time.sleep(0.2)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Hang up."""
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def wire(port: int) -> Iterator[Wire]:
    """Pass on what comes until the block ends."""
    passing = Wire(port)
    try:
        yield passing
    finally:
        passing.close()
