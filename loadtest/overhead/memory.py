"""(d) What the history keeps in memory, by `tracemalloc`.

It counts every byte that Python's allocators were asked for and have not got back: also what a deep walk with
`sys.getsizeof` would miss (queues, series, caches) or count twice (shared texts). It leaves out what the allocators
themselves waste.
"""

import gc
import tracemalloc

from loadtest.overhead.catalogue import SoldOut, failure
from loadtest.overhead.recording import STATUSES, context
from service.error_metrics import BaseAppException, ErrorMetricsCollector, MetricsConfig

HISTORY = 10_000


def measure() -> dict[str, float]:
    """Bytes kept by a full history of 10,000 events, by an event, and after as many events again.

    Each event has two ids of its own; every second one a message of its own, too.
    """
    collector = ErrorMetricsCollector(MetricsConfig(max_history_size=HISTORY))
    _record(collector, 0, 100)  # makes the series and starts the thread
    collector.reset()
    gc.collect()
    tracemalloc.start()
    empty = _now()
    _record(collector, 0, HISTORY)
    full = _now() - empty
    _record(collector, HISTORY, 2 * HISTORY)
    later = _now() - empty
    tracemalloc.stop()
    return {"full": float(full), "per_event": full / HISTORY, "after_20000": float(later)}


def _record(collector: ErrorMetricsCollector, start: int, end: int) -> None:
    for number in range(start, end):
        collector.record(_error(number), context(number))
        if number % 500 == 0:
            collector.flush()
    collector.flush()


def _error(number: int) -> Exception:
    if number % 2:
        return failure(STATUSES[number % 3])
    error: BaseAppException = SoldOut(message=f"item {number:05} is sold out until next week")
    return error


def _now() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
