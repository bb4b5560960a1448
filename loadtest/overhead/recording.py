"""(c) How long `record()` and `record_async()` keep their caller, call by call, from one thread and from eight.

Exceptions are made and raised before the clock starts, each is recorded once. The clock is read around every call,
so its own cost, told beside the results, is in every number.
"""

import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from loadtest.overhead.catalogue import failure
from loadtest.overhead.stats import percentile
from service.error_metrics import ErrorMetricsCollector, MetricsConfig

CHUNK = 500
"""Calls in a row, a burst of errors; between two bursts the background work is finished."""

STATUSES = (409, 404, 422)
Pairs = list[tuple[Exception, Any]]


def measure(calls: int) -> dict[str, dict[str, float]]:
    """Minimum, median and 99th percentile in microseconds, by method and number of threads."""
    result = {"the clock itself": _summary(_timed(lambda *_: None, _pairs(calls)))}
    for method in ("record", "record_async"):
        for threads in (1, 8):
            collector = ErrorMetricsCollector(MetricsConfig())
            times = _in_threads(collector, method, threads, calls // threads)
            result[f"{method}, {threads} thread{'s' * (threads > 1)}"] = {
                **_summary(times),
                "dropped": float(collector.dropped_events),
            }
    return result


def _in_threads(collector: ErrorMetricsCollector, method: str, threads: int, calls: int) -> list[int]:
    times: list[int] = []
    record = getattr(collector, method)
    for _ in range(-(-calls // CHUNK)):
        burst = [_pairs(CHUNK) for _ in range(threads)]
        barrier = threading.Barrier(threads)

        def work(pairs: Pairs, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            times.extend(_timed(record, pairs))

        workers = [threading.Thread(target=work, args=(pairs,)) for pairs in burst]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        collector.flush()
    return times


def _timed(record: Callable[[Exception, Any], None], pairs: Pairs) -> list[int]:
    clock = time.perf_counter_ns
    times = []
    for exc, context in pairs:
        start = clock()
        record(exc, context)
        times.append(clock() - start)
    return times


def _pairs(count: int) -> Pairs:
    return [(_raised(STATUSES[number % 3]), context(number)) for number in range(count)]


def _raised(status: int) -> Exception:
    try:
        raise failure(status)
    except Exception as exc:  # noqa: BLE001 (raised one line above, to have a traceback as in a handler)
        return exc


def context(number: int) -> Any:
    """What a handler knows of a request; the ids are new texts, the others are shared as in a running service."""
    return {
        "method": "GET",
        "path": "/v1/items/{item_id}/sold-out",
        "request_id": f"{number:032x}",
        "trace_id": f"{number * 7919:032x}",
    }


def _summary(nanoseconds: list[int]) -> dict[str, float]:
    return {
        "min": min(nanoseconds) / 1000,
        "median": median(nanoseconds) / 1000,
        "p99": percentile(nanoseconds, 0.99) / 1000,
    }
