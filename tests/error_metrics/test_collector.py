"""Counting and keeping errors."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Iterable

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from service.error_metrics import BaseAppException, ErrorMetricsCollector, MetricsConfig, PrometheusExporter
from service.error_metrics.events import MAX_MESSAGE, ErrorEvent
from service.error_metrics.masking import MAX_KEYS, MAX_TEXT
from service.error_metrics.series import MAX_SERIES, OTHER
from tests.error_metrics.conftest import Clock

CONTEXT = {"method": "GET", "path": "/v1/x/{y}", "request_id": "r1", "trace_id": "t1"}


class Lost(BaseAppException):
    """It is lost."""

    error_code = 310
    status_code = 404


class Rude(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def test_an_error_is_counted_and_kept(collector: ErrorMetricsCollector, clock: Clock) -> None:
    """With what is known of its request."""
    collector.record(Lost(), CONTEXT)  # type: ignore[arg-type]
    snapshot = collector.snapshot()
    assert (snapshot.total_errors, dict(snapshot.by_code), dict(snapshot.by_domain)) == (1, {310: 1}, {"RESOURCE": 1})
    assert collector.events() == [
        ErrorEvent(clock.now, 310, "RESOURCE", "Lost", "It is lost", 404, "GET", "/v1/x/{y}", "r1", "t1")
    ]


@pytest.mark.parametrize(
    ("exc", "code", "status"),
    [
        (HTTPException(401), 299, 401),
        (HTTPException(403), 299, 403),
        (HTTPException(404), 399, 404),
        (HTTPException(405), 399, 405),
        (HTTPException(410), 399, 410),
        (HTTPException(418), 498, 418),
        (RequestValidationError([]), 499, 422),
        (HTTPException(503), 598, 503),
        (ZeroDivisionError("x"), 599, 500),
        (KeyboardInterrupt(), 599, 500),
    ],
)
def test_exceptions_of_others_have_reserved_codes(
    collector: ErrorMetricsCollector, exc: BaseException, code: int, status: int
) -> None:
    """Any exception can be recorded."""
    collector.record(exc)
    event = collector.events()[0]
    assert (event.error_code, event.status_code) == (code, status)


def test_ten_threads_with_a_thousand_errors_each_are_ten_thousand() -> None:
    """Totals, breakdowns and Prometheus agree exactly, and nothing is lost."""
    collector = ErrorMetricsCollector(MetricsConfig())

    def work(code: int) -> None:
        for _ in range(1000):
            collector.record(BaseAppException(code, "x", 404))

    threads = [threading.Thread(target=work, args=(300 + number % 5,)) for number in range(10)]
    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # else a thread is done before another one begins
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(often)
    snapshot = collector.snapshot()
    assert snapshot.total_errors == 10_000
    assert dict(snapshot.by_code) == dict.fromkeys(range(300, 305), 2000)
    assert dict(snapshot.by_domain) == {"RESOURCE": 10_000}
    assert snapshot.windows["1h"].total_errors == 10_000
    assert scraped(collector, 'fastapi_errors_total{error_code="300"') == 2000
    assert len(collector.events()) + snapshot.dropped_events == 10_000


def scraped(collector: ErrorMetricsCollector, start: str) -> float:
    """Return the value of the first line of a scrape that begins so."""
    assert collector.exporter is not None
    text = collector.exporter.exposition()[0].decode()
    return float(next(line for line in text.splitlines() if line.startswith(start)).rsplit(" ", 1)[1])


@pytest.mark.parametrize("threads", [1, 4])
def test_breakdowns_agree_with_the_total_at_any_moment(threads: int) -> None:
    """Every snapshot taken while others record is consistent in itself."""
    collector = ErrorMetricsCollector(MetricsConfig(async_collection=False))
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            collector.record(Lost())
            collector.record(HTTPException(500))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(100):
            snapshot = collector.snapshot()
            assert sum(snapshot.by_code.values()) == sum(snapshot.by_domain.values()) == snapshot.total_errors
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def test_history_keeps_the_newest_and_totals_keep_all(clock: Clock) -> None:
    """The oldest go first."""
    collector = ErrorMetricsCollector(MetricsConfig.testing(max_history_size=3), clock=clock)
    for code in range(300, 310):
        collector.record(BaseAppException(code, "x"))
    assert [event.error_code for event in collector.events()] == [309, 308, 307]
    assert collector.snapshot().total_errors == 10


def test_history_expires_and_totals_and_windows_do_not(clock: Clock) -> None:
    """retention_hours limits the history only."""
    collector = ErrorMetricsCollector(MetricsConfig.testing(retention_hours=1), clock=clock)
    collector.record(Lost())
    clock.now += 3 * 3600
    assert collector.events() == []
    snapshot = collector.snapshot()
    assert snapshot.total_errors == 1
    assert {name: counts.total_errors for name, counts in snapshot.windows.items()} == {"1h": 0, "24h": 1, "7d": 1}


def test_a_code_tells_when_it_came_first_and_last(collector: ErrorMetricsCollector, clock: Clock) -> None:
    """Over all of its statuses."""
    collector.record(BaseAppException(310, "x", 404))
    clock.now += 60
    collector.record(BaseAppException(310, "x", 409))
    seen = collector.snapshot().seen[310]
    assert (seen.last_seen - seen.first_seen).total_seconds() == 60
    assert seen.windows["1h"] == 2


def test_the_minutes_of_the_last_hour_are_a_series(collector: ErrorMetricsCollector, clock: Clock) -> None:
    """For the page's chart."""
    collector.record(Lost())
    clock.now += 120
    collector.record(Lost())
    snapshot = collector.snapshot()
    assert snapshot.minutes[-3:] == (1, 0, 1)
    assert int(clock.now) // 60 * 60 - snapshot.minutes_start.timestamp() == 59 * 60


def test_a_snapshot_does_not_change(collector: ErrorMetricsCollector) -> None:
    """Neither by itself nor by its reader."""
    collector.record(Lost())
    snapshot = collector.snapshot()
    collector.record(Lost())
    assert snapshot.total_errors == 1
    with pytest.raises(AttributeError):
        snapshot.total_errors = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        snapshot.by_code[310] = 2  # type: ignore[index]


def test_what_is_kept_is_masked(collector: ErrorMetricsCollector) -> None:
    """Secrets in a message are not in the history."""
    collector.record(BaseAppException(901, "no mail to jane@mail.example"))
    assert collector.events()[0].message == "no mail to ***"


def test_masking_can_be_switched_off(clock: Clock) -> None:
    """Where messages are known to be clean."""
    collector = ErrorMetricsCollector(MetricsConfig.testing(mask_pii=False), clock=clock)
    collector.record(BaseAppException(901, "no mail to jane@mail.example"))
    assert collector.events()[0].message == "no mail to jane@mail.example"


def test_a_message_of_ten_megabytes_is_kept_short(collector: ErrorMetricsCollector) -> None:
    """In the queue and in the history."""
    collector.record(BaseAppException(901, "word " * 2_000_000), {"request_id": "r" * 10_000})
    event = collector.events()[0]
    assert len(event.message) == MAX_MESSAGE
    assert event.request_id == "***"  # a word cut in half could be half a secret


def test_a_long_message_is_cut_before_it_waits(clock: Clock) -> None:
    """Else a full queue of them would fill the memory."""
    collector = ErrorMetricsCollector(MetricsConfig(), clock=clock)
    with collector._handover._working:
        collector.record(BaseAppException(901, "word " * 2_000_000))
        waiting = list(collector._handover._waiting)
    assert [len(text) for raw in waiting for text in raw if isinstance(text, str)] == [6, 16, MAX_TEXT + 1]


def test_a_reset_forgets_what_is_still_waiting(clock: Clock) -> None:
    """An error from before it must not come back afterwards."""
    collector = ErrorMetricsCollector(MetricsConfig(), clock=clock)
    collector.record(Lost())
    collector.reset()
    assert collector.events() == []
    assert collector.snapshot().total_errors == 0


def test_every_event_of_a_lost_batch_is_counted(clock: Clock) -> None:
    """Not only the batch."""
    collector = ErrorMetricsCollector(MetricsConfig(), store=BrokenStore(), clock=clock)
    with collector._handover._working:  # all three in one batch
        for _ in range(3):
            collector.record(Lost())
    collector.flush()
    assert collector.dropped_events == 3
    assert scraped(collector, "fastapi_error_events_dropped_total") == 3


def test_a_hundred_thousand_codes_and_statuses_need_bounded_memory(collector: ErrorMetricsCollector) -> None:
    """What is past the limit is counted as `other`, and how often that happened is counted too."""
    for number in range(100_000):
        collector.record(BaseAppException(number % 10_000, "x", 400 + number // 10_000))
    snapshot = collector.snapshot()
    assert snapshot.total_errors == 100_000
    assert len(snapshot.by_code) == MAX_SERIES + 1
    assert snapshot.by_code[OTHER] == snapshot.label_overflow == 100_000 - MAX_SERIES
    assert sum(snapshot.by_domain.values()) == 100_000
    assert scraped(collector, "fastapi_label_overflow_total") == 100_000 - MAX_SERIES


def test_an_exception_that_cannot_say_what_it_is_is_counted(collector: ErrorMetricsCollector) -> None:
    """And kept by its name."""
    collector.record(Rude())
    assert collector.snapshot().total_errors == 1
    assert [event.message for event in collector.events()] == ["Rude"]


def test_a_context_that_cannot_be_told_loses_its_own_event_only(clock: Clock) -> None:
    """The others of its batch are kept."""
    collector = ErrorMetricsCollector(MetricsConfig(), clock=clock)
    with collector._handover._working:  # all three in one batch
        for request_id in ("r1", Rude(), "r2"):
            collector.record(Lost(), {"request_id": request_id})  # type: ignore[typeddict-item]
    assert [event.request_id for event in collector.events()] == ["r2", "r1"]
    assert collector.dropped_events == 1


@pytest.mark.parametrize("value", ["jane@mail.example", "4242424242424242", "010-1234-5678"])
def test_what_a_request_tells_is_masked_as_well(collector: ErrorMetricsCollector, value: str) -> None:
    """Its id is the client's to choose."""
    collector.record(Lost(), {"request_id": value, "path": f"/v1/{value}"})
    event = collector.events()[0]
    assert (event.request_id, event.path) == ("***", "/v1/***")


KEYS = [
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.abcdefghijk",
    "ghp_abcdefghijklmnopqrst",
    "sk_live_abcdefghijklmnop",
    "AKIAIOSFODNNXEXAMPLE",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_masked_wherever_a_request_tells_it(collector: ErrorMetricsCollector, key: str) -> None:
    """Also one of letters only, and one in the place of the method; of an id that holds one nothing is left."""
    collector.record(Lost(), {"request_id": f"a.{key}", "path": f"/v1/{key}", "method": key})
    event = collector.events()[0]
    assert (event.request_id, event.path, event.method) == ("***", "/v1/***", "***")


@pytest.mark.parametrize(
    "path", ["/v1/tokens/{token:path}", "/{password:str}/x", "/v1/{customer_id}/2026-11-21", "/unknown", "job:nightly"]
)
def test_a_route_template_stays_as_it_is(collector: ErrorMetricsCollector, path: str) -> None:
    """Whatever its parameters are called; the first time and again."""
    for _ in range(2):
        collector.record(Lost(), {"path": path})
    assert {event.path for event in collector.events()} == {path}


@pytest.mark.parametrize("known", ["f47ac10b-58cc-4372-a567-0e02b2c3d479", "4242424242424242" * 2, "order-17"])
def test_an_id_that_nobody_is_known_by_stays_as_it_is(collector: ErrorMetricsCollector, known: str) -> None:
    """Although 32 digits may look like two cards."""
    collector.record(Lost(), {"request_id": known, "trace_id": known})
    event = collector.events()[0]
    assert (event.request_id, event.trace_id) == (known, known)


def test_paths_that_were_found_harmless_are_remembered_up_to_a_limit(collector: ErrorMetricsCollector) -> None:
    """Callers of `record` may give any."""
    for number in range(2 * MAX_KEYS + 10):
        collector.record(Lost(), {"path": f"/v1/a{number}"})
    assert 0 < len(collector._told._harmless) <= MAX_KEYS


def test_history_shows_nothing_expired_although_a_clock_jumped(clock: Clock) -> None:
    """Events that are out of order in time are looked at one by one."""
    collector = ErrorMetricsCollector(MetricsConfig.testing(), clock=clock)
    for jump in (100_000, -100_000):
        collector.record(Lost())
        clock.now += jump
    collector.record(Lost())
    clock.now += 24 * 3600 + 1
    assert [event.time - clock.now for event in collector.events()] == [100_000 - 24 * 3600 - 1]


class BrokenStore:
    """A store that keeps nothing."""

    def extend(self, events: Iterable[ErrorEvent]) -> None:
        """Fail."""
        raise OSError("disk full")

    def newest_first(self) -> list[ErrorEvent]:
        """Return nothing."""
        return []

    def clear(self) -> None:
        """Do nothing."""


def test_a_broken_store_loses_events_and_nothing_else(clock: Clock) -> None:
    """Counting goes on, and says what was lost."""
    collector = ErrorMetricsCollector(MetricsConfig(), store=BrokenStore(), clock=clock)
    collector.record(Lost())
    assert collector.flush()
    assert (collector.snapshot().total_errors, collector.dropped_events) == (1, 1)


def test_a_broken_clock_does_not_reach_the_caller() -> None:
    """record never raises."""

    def broken() -> float:
        raise OSError("no clock")

    collector = ErrorMetricsCollector(MetricsConfig(), clock=broken)
    collector.record(Lost())
    assert collector.dropped_events == 1


def test_a_full_queue_drops_events_and_counts_them(clock: Clock) -> None:
    """Totals stay exact."""
    collector = ErrorMetricsCollector(MetricsConfig(max_history_size=5), clock=clock)
    with collector._handover._working:  # nothing is worked off meanwhile
        for _ in range(50):
            collector.record_async(Lost())
        time.sleep(0.05)
    assert collector.flush()
    assert collector.snapshot().total_errors == 50
    assert len(collector.events()) + collector.dropped_events == 50
    assert collector.dropped_events >= 44


def test_the_background_works_without_being_asked() -> None:
    """Within moments the store has the event."""
    collector = ErrorMetricsCollector(MetricsConfig())
    collector.record(Lost())
    deadline = time.monotonic() + 5
    while not collector.store.newest_first() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert len(collector.store.newest_first()) == 1


def test_record_async_hands_over_even_where_record_does_not(collector: ErrorMetricsCollector) -> None:
    """It returns at once; the count is there at once."""
    with collector._handover._working:
        collector.record_async(Lost())
        assert collector.snapshot().total_errors == 1
        assert collector.store.newest_first() == []
    assert len(collector.events()) == 1


def test_reset_forgets_everything_but_the_prometheus_counters(collector: ErrorMetricsCollector) -> None:
    """Those may only rise."""
    collector.record(Lost())
    collector.reset()
    assert (collector.snapshot().total_errors, collector.events()) == (0, [])
    assert collector.snapshot().last_updated is None
    collector.record(Lost())
    assert scraped(collector, 'fastapi_errors_total{error_code="310"') == 2
    assert collector.snapshot().total_errors == 1


def test_reset_does_not_lift_the_limit_of_series(collector: ErrorMetricsCollector) -> None:
    """A code that was `other` before is so afterwards: its series in Prometheus must not change."""
    for number in range(MAX_SERIES + 1):
        collector.record(BaseAppException(number, "x", 400))
    collector.reset()
    assert (collector.snapshot().label_overflow, dict(collector.snapshot().by_code)) == (0, {})
    collector.record(BaseAppException(MAX_SERIES, "x", 400))
    assert dict(collector.snapshot().by_code) == {OTHER: 1}


def test_a_disabled_collector_collects_nothing() -> None:
    """Not even totals."""
    collector = ErrorMetricsCollector(MetricsConfig.disabled())
    collector.record(Lost())
    collector.record_async(Lost())
    assert collector.snapshot().total_errors == 0
    assert collector.exporter is None


def test_without_prometheus_the_counts_are_still_there(clock: Clock) -> None:
    """Prometheus is one of several readers."""
    collector = ErrorMetricsCollector(MetricsConfig.testing(prometheus_enabled=False), clock=clock)
    collector.record(Lost())
    assert collector.exporter is None
    for number in range(MAX_SERIES + 1):
        collector.record(BaseAppException(number, "x"))
    assert collector.snapshot().total_errors == MAX_SERIES + 2


def test_an_exporter_can_be_shared(clock: Clock) -> None:
    """Two collectors of one process add up in one registry."""
    exporter = PrometheusExporter(MetricsConfig())
    for _ in range(2):
        ErrorMetricsCollector(MetricsConfig.testing(), exporter, clock=clock).record(Lost())
    text = exporter.exposition()[0].decode()
    assert 'fastapi_errors_total{error_code="310",error_domain="RESOURCE",status_code="404"} 2.0' in text


def test_the_background_thread_ends_with_its_collector() -> None:
    """Nothing holds a collector that nobody uses."""
    collector = ErrorMetricsCollector(MetricsConfig())
    collector.record(Lost())
    thread = collector._handover._thread
    assert thread is not None
    assert thread.daemon
    wake = collector._handover._wake
    collector.flush()
    time.sleep(0.05)
    del collector
    gc.collect()
    wake.set()
    thread.join(timeout=5)
    assert not thread.is_alive()
