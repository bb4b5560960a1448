"""Replicas of the service as processes of their own, with one Redis."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from tests.servers import serving, status

from .conftest import Server, eventually

Replica = tuple[str, "subprocess.Popen[bytes]"]
UNKNOWN = "/v1/nowhere"  # is answered 404, and recorded as 399


def shown(base: str, path: str = "") -> Any:
    """Return what a replica's API shows."""
    with urllib.request.urlopen(f"{base}/api/metrics{path}", timeout=5) as answer:  # noqa: S310
        return json.load(answer)


def agree(replicas: list[Replica], total: int) -> bool:
    """Tell whether all of them show a total, and none says that it is degraded."""
    bodies = [shown(base) for base, _ in replicas]
    return all((body["total_errors"], body["degraded"]) == (total, False) for body in bodies)


@contextmanager
def replicas(server: Server, folder: Path, number: int) -> Iterator[list[Replica]]:
    """Serve so many of them until the block ends."""
    with ExitStack() as stack:
        found = []
        for name in range(number):
            (folder / f"{name}").mkdir()
            environ = {"METRICS_REDIS_URL": server.url, "SERVICE_NAME": server.service}
            found.append(stack.enter_context(serving(folder / f"{name}", **environ)))
        yield found


class Traffic:
    """Clients that cause errors, one for each replica, and count the answers."""

    def __init__(self, replicas: list[Replica]) -> None:
        self._over = threading.Event()
        self.answers = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(base,)) for base, _ in replicas]

    def _ask(self, base: str) -> None:
        while not self._over.wait(0.005):
            assert status(base + UNKNOWN) == 404
            with self._lock:
                self.answers += 1

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def more(self, answers: int) -> None:
        """Wait until there are so many more."""
        wanted = self.answers + answers
        eventually(lambda: self.answers >= wanted)


@pytest.mark.docker
def test_redis_is_killed_and_comes_back_empty_twice_and_every_replica_shows_the_exact_sum(
    server: Server, tmp_path: Path
) -> None:
    """While errors are recorded all the time: none is lost, none counted twice."""
    with replicas(server, tmp_path, 3) as found:
        with Traffic(found) as traffic:
            for _ in range(2):
                traffic.more(100)
                server.docker.kill()
                eventually(lambda: all(shown(base)["degraded"] for base, _ in found))
                traffic.more(100)
                server.docker.start()
                eventually(lambda: not any(shown(base)["degraded"] for base, _ in found))
            traffic.more(100)
        total = traffic.answers
        assert total >= 500
        eventually(lambda: agree(found, total))
        time.sleep(2)
        assert agree(found, total)
        for base, _ in found:
            board = shown(base, "/dashboard")
            assert (board["by_code"], board["windows"]["1h"]["total_errors"]) == ({"399": total}, total)
        newest = [shown(base, "/recent?limit=1000")["recent_errors"] for base, _ in found]
        recent = [{event["request_id"] for event in events} for events in newest]
        assert recent[0] == recent[1] == recent[2]
        assert len(recent[0]) == min(total, 1000)


@pytest.mark.docker
def test_counts_of_replicas_that_end_stay(server: Server, tmp_path: Path) -> None:
    """All of them when it is told to end, even at once; up to the last flush when it is killed."""
    with replicas(server, tmp_path, 3) as found:
        (ended, one), (killed, other), (base, _) = found
        for _ in range(5):
            assert status(ended + UNKNOWN) == 404
        one.send_signal(signal.SIGTERM)
        assert one.wait(timeout=15) == 0
        for _ in range(3):
            assert status(killed + UNKNOWN) == 404
        eventually(lambda: agree([found[2]], 8) and shown(base, "/recent")["count"] == 8)
        other.kill()
        other.wait(timeout=10)
        assert status(base + UNKNOWN) == 404
        assert agree([found[2]], 9)
        assert shown(base, "/recent")["count"] == 9


@pytest.mark.docker
def test_answers_do_not_wait_for_a_redis_that_hangs(server: Server, tmp_path: Path) -> None:
    """The dashboard's API says that it is degraded; `POST /reset` works, and reaches the others later."""
    with replicas(server, tmp_path, 2) as found:
        for base, _ in found:
            assert status(base + UNKNOWN) == 404
        eventually(lambda: agree(found, 2))
        server.docker.pause()
        try:
            eventually(lambda: shown(found[0][0])["degraded"])
            for path in ("", "/dashboard", "/summary", "/recent", "/export"):
                assert status(f"{found[0][0]}/api/metrics{path}", timeout=0.5) == 200
            assert shown(found[0][0])["total_errors"] == 1
            reset = urllib.request.Request(f"{found[0][0]}/api/metrics/reset", method="POST")  # noqa: S310
            with urllib.request.urlopen(reset, timeout=0.5) as answer:  # noqa: S310
                assert answer.status == 200
        finally:
            server.docker.unpause()
        eventually(lambda: agree(found, 0))
