"""The service as processes of its own, and what they use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


class Service:
    """A service that runs.

    Attributes:
        port: where it listens.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.port = port

    def pids(self) -> list[int]:
        """Return the processes that serve: the workers, or the only one."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return [int(child) for child in children] or [self._process.pid]

    def cpu(self) -> float:
        """Return the seconds of CPU time that they have used."""
        return sum(cpu_of(pid) for pid in self.pids())

    def memory(self) -> int:
        """Return the bytes that they have in memory."""
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE for pid in self.pids())

    def metrics(self) -> dict[str, float]:
        """Return the samples of a scrape, by name and labels as they stand there."""
        lines = httpx.get(f"http://127.0.0.1:{self.port}/metrics", timeout=10).text.splitlines()
        pairs = (line.partition(" # ")[0].rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU time that a process has used, all its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def busy() -> float:
    """Return the seconds of CPU time that everything on the machine has used since it started."""
    user, nice, system, _idle, _wait, irq, soft, *_ = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + irq + soft) / TICKS


@contextmanager
def service(port: int, workers: int, **environment: str) -> Iterator[Service]:
    """Run `python -m service serve` for the block.

    Raises:
        RuntimeError: it did not get ready; what it said is on stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        variables = {**os.environ, **environment}
        if workers > 1:
            variables["PROMETHEUS_MULTIPROC_DIR"] = folder
        command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--workers", str(workers)]
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
        try:
            _wait(port, process)
            yield Service(process, port)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError("the service did not get ready; what it said is above")
