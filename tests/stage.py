"""Shop and fraud detection as two processes with Redis, and what can be done to them to see their metrics move."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.collectors import collector
from tests.loadtest.demo.demos import KEY, run
from tests.redis_server import RedisServer, redis_server
from tests.scrapes import Scrape, scrape
from tests.servers import REPOSITORY, free_port, launch

PATIENCE = 20.0
PAYMENT = {"user_id": "7", "amount": 9_000, "card": "c", "ip": "198.18.0.1", "country": "KR", "card_country": "KR"}


class Stage:
    """The services while they run.

    Attributes:
        shop: address of the shop.
        fds: address of fraud detection.
    """

    def __init__(self, folder: Path, redis: RedisServer, spans_to: str, reports_to: str) -> None:
        self._folder = folder
        self._redis = redis
        common = {"REDIS_URL": redis.url, "FAULTS_ENABLED": "true", "LOG_FORMAT": "json", "API_KEYS": f"shop:{KEY}"}
        ports = free_port(), free_port()
        self.shop, self.fds = (f"http://127.0.0.1:{port}" for port in ports)
        with Path("/dev/full").open("wb") as full:  # a disk without space: no line can be written
            self._fds = launch(folder, ports[1], stdout=full, SERVICE_APP="fds", **common)
        shop = {
            "SERVICE_APP": "shop",
            "FDS_URL": self.fds,
            "FDS_KEY": KEY,
            "METRICS_SENTRY_ENABLED": "true",
            "METRICS_SENTRY_DSN": f"http://key@{urlsplit(reports_to).netloc}/1",
            "OTEL_ENABLED": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": spans_to,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        self._shop = launch(folder, ports[0], **common, **shop)
        # A connection for each request: uvicorn closes one on which an exception was not handled.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(timeout=10, limits=limits, trust_env=False, headers={"X-API-Key": KEY})

    def close(self) -> None:
        """End both."""
        self._client.close()
        for process in (self._shop, self._fds):
            process.kill()
            process.wait(10)

    # What moves metrics.

    def demo(self) -> None:
        """Let the demo run."""
        arguments = ("--shop", self.shop, "--fds", self.fds, "--rate", "20", "--seconds", "25")
        code, told = run(*arguments)
        assert code == 0, told

    @contextmanager
    def unfinished_request(self) -> Iterator[None]:
        """Send a request whose body does not come while the block runs."""
        address = urlsplit(self.shop)
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(b"POST /v1/users HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\n")
            yield

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Have somebody else write to the database, and somebody register, while the block runs."""
        connection = sqlite3.connect(self._folder / "shop.db", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        body = {"email": "waits@example.com", "password": "four words or more"}
        thread = threading.Thread(target=partial(self._client.post, f"{self.shop}/v1/users", json=body))
        thread.start()
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            thread.join()
            connection.close()

    @contextmanager
    def slow_engine(self) -> Iterator[None]:
        """Have an engine be late, and payments judged one after the other, while the block runs."""
        switch = f"{self.fds}/v1/engines/threats/fault"
        self._client.put(switch, json={"latency_ms": 500}).raise_for_status()
        with self._judging():
            yield
        self._client.put(switch, json={}).raise_for_status()

    @contextmanager
    def stopped_process(self) -> Iterator[None]:
        """Stop the process for a moment in the middle of judgements, as a busy machine does."""
        with self.slow_engine():
            for number in (signal.SIGSTOP, signal.SIGCONT) * 15:
                self._fds.send_signal(number)
                time.sleep(0.2)
            yield

    @contextmanager
    def bug(self) -> Iterator[None]:
        """Run into a bug that is switched on, twenty times."""
        self._client.put(f"{self.shop}/v1/faults/instalment-bug", json={"active": True}).raise_for_status()
        token = self._log_in()
        for number in range(20):
            body = {"items": [{"product_id": 1, "quantity": 1}], "card_number": "4242424242424242", "instalments": 0}
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"bug-{number}"}
            self._client.post(f"{self.shop}/v1/checkout", json=body, headers=headers)
        yield

    @contextmanager
    def redis_killed(self) -> Iterator[None]:
        """Kill Redis, and go on shopping."""
        self._redis.container.get_wrapped_container().kill()
        for _ in range(10):
            self._client.get(f"{self.shop}/v1/products/1")
        yield

    def _log_in(self) -> str:
        who = {"email": "bug@example.com", "password": "four words or more"}
        self._client.post(f"{self.shop}/v1/users", json=who)
        return str(self._client.post(f"{self.shop}/v1/sessions", json=who).json()["token"])

    @contextmanager
    def _judging(self) -> Iterator[None]:
        over = threading.Event()

        def judge() -> None:
            with httpx.Client(timeout=10, trust_env=False, headers={"X-API-Key": KEY}) as client:
                while not over.is_set():
                    payment: dict[str, Any] = {**PAYMENT, "transaction_id": f"t{time.monotonic_ns()}"}
                    client.post(f"{self.fds}/v1/evaluate", json={**payment, "account_age_days": 1})

        threads = [threading.Thread(target=judge) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Run both services with a Redis, a Sentry that takes what it gets, and a collector that takes nothing."""
    with redis_server() as redis, collector("refuses") as spans_to, collector("works") as reports_to:
        running = Stage(folder, redis, spans_to, reports_to)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def crowded(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Run a service with many routes and codes; gives its address, and what asks for all of them."""
    command = [sys.executable, "-m", "tests.crowded_service"]
    environ = {"PYTHONPATH": str(REPOSITORY), "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/crowded.db"}
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base = f"http://127.0.0.1:{process.stdout.readline().strip()}"

        def crowd() -> None:
            with httpx.Client(base_url=base, timeout=30, trust_env=False) as client:
                for number in range(120):
                    client.get(f"/v1/shelf-{number}")
                for code in range(5000, 5600):
                    client.get(f"/v1/codes/{code}")
                client.post("/v1/burst")

        try:
            yield base, crowd
        finally:
            process.kill()


def watched(base: str, name: str, before: Scrape, moved: Callable[[Scrape, Scrape, str], bool]) -> Scrape:
    """Return the first scrape in which a metric has moved, or the last one when it does not."""
    deadline = time.monotonic() + PATIENCE
    while not moved(before, now := scrape(base), name) and time.monotonic() < deadline:
        time.sleep(0.01)
    return now
