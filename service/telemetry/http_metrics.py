"""The HTTP metrics for Prometheus, fed by the one measurement of a request."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from service.error_metrics.cells import (
    CounterChild,
    HistogramChild,
    make_counter,
    make_histogram,
    only_child,
    shared_by_workers,
)
from service.error_metrics.measurement import UNMATCHED, MeasuredRequest, RequestObserver

from .http_totals import OwnTotals, SharedTotals, Totals
from .keeping import worth_keeping
from .labels import CardinalityLimiter

MAX_ENDPOINTS = 100
OTHER_ENDPOINT = "/other"
# From 5 ms to 10 s, with the bounds that objectives and alerts ask about: 0.1, 0.2, 0.5, 2 and 5 s.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0, 10.0)


class HTTPMetrics(RequestObserver):
    """Counts requests, their time and their size.

    Args:
        registry: where the series are registered.
        max_endpoints: distinct route templates; further ones are counted as `/other`.

    Raises:
        ValueError: the registry holds series of these names already.
    """

    def __init__(self, registry: CollectorRegistry, max_endpoints: int = MAX_ENDPOINTS) -> None:
        self._requests = make_counter(
            "http_requests_total", "Requests by exact status.", ("method", "endpoint", "status_code"), registry
        )
        self._durations = make_histogram(
            "http_request_duration_seconds",
            "Time to the last byte of the answer.",
            ("method", "endpoint"),
            BUCKETS,
            registry,
        )
        self._totals: Totals = SharedTotals(registry) if shared_by_workers() else OwnTotals(registry)
        overflow = only_child(
            make_counter(
                "http_label_overflow_total",
                "Requests counted as /other because there are too many endpoints.",
                (),
                registry,
            )
        )
        self._limit = CardinalityLimiter(max_endpoints, OTHER_ENDPOINT, overflow.inc)
        self._limit(UNMATCHED)
        # Looking up a child by its labels costs more than counting, so each is looked up once.
        self._counters: dict[tuple[str, str, int], CounterChild] = {}
        self._histograms: dict[tuple[str, str], HistogramChild] = {}

    def started(self, request: MeasuredRequest) -> None:
        """Count a request as running."""
        self._totals.started(request.method)

    def finished(self, request: MeasuredRequest) -> None:
        """Count a request that is over."""
        method = request.method
        self._totals.finished(method, request.request_bytes, request.response_bytes)
        state = request.scope.get("state")
        trace_id = state["trace_id"] if state and state.get("trace_recorded") and worth_keeping(request) else None
        self.count(method, request.endpoint, request.status, request.duration, trace_id)

    def count(self, method: str, endpoint: str, status: int, duration: float, trace_id: str | None = None) -> None:
        """Count one request that took `duration` seconds; for what is not ASGI.

        A trace id becomes the exemplar, so it must be that of a trace that will be kept.
        """
        counter = self._counters.get((method, endpoint, status))
        if counter is None:
            counter = self._counter(method, endpoint, status)
        counter.inc()
        histogram = self._histograms.get((method, endpoint))
        if histogram is None:
            histogram = self._histogram(method, endpoint)
        histogram.observe(duration, None if trace_id is None else {"trace_id": trace_id})

    def _counter(self, method: str, endpoint: str, status: int) -> CounterChild:
        label = self._limit(endpoint)
        counter = self._requests.labels(method, label, str(status))
        if label == endpoint:  # what overflows isn't kept: each such request must be seen by the limiter
            self._counters[method, endpoint, status] = counter
        return counter

    def _histogram(self, method: str, endpoint: str) -> HistogramChild:
        label = endpoint if self._limit.knows(endpoint) else OTHER_ENDPOINT
        histogram = self._durations.labels(method, label)
        if label == endpoint:
            self._histograms[method, endpoint] = histogram
        return histogram


def set_app_info(registry: CollectorRegistry, **facts: str) -> None:
    """Set `app_info` to 1 with these facts as labels, for example `version` and `environment`."""
    gauge = Gauge(
        "app_info",
        "What is running.",
        tuple(facts),
        registry=registry,
        multiprocess_mode="max",
    )
    gauge.labels(**facts).set(1)
