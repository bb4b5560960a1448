"""(e) What a scrape costs: its time, and how long the event loop stands still meanwhile.

`python -m loadtest.overhead.scrape SERIES` is the worker: a real uvicorn with our module, with so many series, whose
event loop is watched by a task that sleeps one millisecond at a time. A series is one sample line of the exposition.
"""

import asyncio
import gc
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack
from statistics import median
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Histogram

from loadtest.overhead.blocks import Worker
from loadtest.overhead.machine import pin
from loadtest.overhead.server import MeasuredServer
from loadtest.overhead.variants import BUCKETS, errors

SIZES = (100, 1_000, 10_000)
LOAD = 200
"""Requests a second while scraping and while not."""

ROUNDS = 20


def measure(rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Milliseconds by number of series: a scrape without and with load, the longest stall without and with a scrape."""
    return {str(size): _one_size(size, rounds) for size in SIZES}


def _one_size(size: int, rounds: int) -> dict[str, float]:
    with ExitStack() as stack:
        server = stack.enter_context(Worker("scrape", str(size)))
        client = stack.enter_context(Worker("client"))
        port = server.ask(what="port")
        alone = [_scrape(port)[1] for _ in range(rounds)]
        seconds = 2 * rounds * 0.15
        load = threading.Thread(target=client.ask, kwargs=_load(port, seconds))
        load.start()
        time.sleep(0.3)
        series, _ = _scrape(port)
        idle, scraping, took = [], [], []
        for _ in range(rounds):
            idle.append(_stall(server, 0))
            begin = time.perf_counter()
            server.ask(what="stall")
            _, duration = _scrape(port)
            took.append(duration)
            scraping.append(_stall(server, 0.1 - (time.perf_counter() - begin)))
        load.join()
    print(f"  {size} series done", file=sys.stderr)
    return {
        "series": float(series),
        "scrape_alone": median(alone),
        "scrape": median(took),
        "stall_without": median(idle),
        "stall_without_worst": max(idle),
        "stall": median(scraping),
        "stall_worst": max(scraping),
    }


def _load(port: int, seconds: float) -> dict[str, Any]:
    return {"port": port, "cell": "healthy", "at_least": int(seconds * LOAD) + LOAD, "per_second": LOAD}


def _stall(server: Worker, rest: float) -> float:
    """Milliseconds of the longest stall; without a scrape (`rest` 0) of a window of 0.1 s of its own."""
    if rest == 0:
        server.ask(what="stall")
        rest = 0.1
    time.sleep(max(0.0, rest))
    return 1000 * float(server.ask(what="stall"))


def _scrape(port: int) -> tuple[int, float]:
    """Number of series and milliseconds of one scrape."""
    start = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        body: bytes = answer.read()
    duration = 1000 * (time.perf_counter() - start)
    return sum(1 for line in body.splitlines() if line and not line.startswith(b"#")), duration


def filled(size: int) -> FastAPI:
    """An application with our module and about `size` series: histograms as a service has, counters for the rest.

    Without HTTP metrics, whose series would grow under the load.
    """
    app = errors()
    exporter = app.state.error_metrics.exporter
    registry: CollectorRegistry = exporter.registry
    times = Histogram("bench_seconds", "Made up.", ["operation"], buckets=BUCKETS, registry=registry)
    counts = Counter("bench_total", "Made up.", ["operation", "outcome"], registry=registry)
    here = _lines(exporter.exposition()[0])
    while here < size:
        wide = len(BUCKETS) + 4  # buckets, +Inf, sum, count, created
        if size - here > 2 * wide:
            times.labels(f"operation {here}").observe(here / 1000)
            here += wide
        else:
            counts.labels(f"operation {here}", "success").inc()
            here += 2  # count, created
    return app


def _lines(body: bytes) -> int:
    return sum(1 for line in body.splitlines() if line and not line.startswith(b"#"))


async def _serve(size: int) -> None:
    server = MeasuredServer(filled(size))
    gc.collect()
    gc.freeze()  # as the service does: a full collection of what never goes stands still for 40 ms
    ticking = asyncio.create_task(server.tick())
    await server.run()
    ticking.cancel()


if __name__ == "__main__":
    pin(0)
    asyncio.run(_serve(int(sys.argv[1])))
