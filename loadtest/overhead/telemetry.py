"""(g) What logs and traces add to our metrics: instructions, CPU time, and stalls of the event loop.

For times, every span is sent to a collector on this machine; instructions are counted without sending.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from loadtest.overhead import instructions, server, times
from loadtest.overhead.blocks import Samples, Worker, alternate
from loadtest.overhead.telemetry_variants import TELEMETRY

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
LINES = ("ids", "logs")
"""The smallest difference here: measured as a pair once more, because what runs in between takes the caches away."""

WATCHED = ("ids", "logs", "traces")
LOAD = 200
"""Requests a second while the event loop is watched."""


def measure(how_often: int, layouts: int) -> dict[str, Any]:
    """Everything of the section, by variant."""
    names = list(TELEMETRY)
    counts = instructions.count(names, layouts)
    with _collector():
        return {
            "counts": counts,
            "hot": times.measure(names, how_often),
            "pair": times.measure(LINES, 10 * how_often, cells=("healthy",)),
            "server": server.measure(names, 2 * how_often),
            "stalls": _stalls(how_often),
        }


@contextmanager
def _collector() -> Iterator[None]:
    with Worker("otlp_sink") as sink:
        os.environ[ENDPOINT] = sink.ask()
        try:
            yield
        finally:
            del os.environ[ENDPOINT]


def _stalls(rounds: int) -> Samples:
    """Milliseconds of the longest stall in a fifth of a second under load, one number for each round."""
    with ExitStack() as stack:
        client = stack.enter_context(Worker("client"))
        servers = {name: stack.enter_context(Worker("server", name, "watched")) for name in WATCHED}
        ports = {name: worker.ask(what="port") for name, worker in servers.items()}

        def block(name: str) -> float:
            load = {"port": ports[name], "cell": "healthy", "per_second": LOAD}
            client.ask(at_least=10, **load)
            servers[name].ask(what="stall")
            client.ask(at_least=LOAD // 5, **load)
            time.sleep(0.06)  # the background thread lingers before it works
            return 1000 * float(servers[name].ask(what="stall"))

        return alternate(WATCHED, rounds, block)
