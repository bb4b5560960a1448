"""The HTTP metrics that every request moves twice or without labels: requests in progress and bytes.

Alone in its process a service keeps them as plain numbers and shows them when asked, which costs a request a third of
what counters and gauges of prometheus_client do. Several workers share theirs through prometheus_client's files.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

IN_PROGRESS = ("http_requests_in_progress", "Requests that are running.", ("method",))
RECEIVED = ("http_request_bytes_total", "Bytes of request bodies read.")
SENT = ("http_response_bytes_total", "Bytes of response bodies sent.")


class Totals(Protocol):
    """What both ways of keeping have in common."""

    def started(self, method: str) -> None:
        """Count a request as running."""
        ...

    def finished(self, method: str, received: int, sent: int) -> None:
        """Count a request as over, with the bytes of its bodies."""
        ...


class OwnTotals(Collector):
    """Plain numbers under a lock."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, int] = {}
        self._received = self._sent = 0
        registry.register(self)

    def started(self, method: str) -> None:
        """Count a request as running."""
        with self._lock:
            self._running[method] = self._running.get(method, 0) + 1

    def finished(self, method: str, received: int, sent: int) -> None:
        """Count a request as over, with the bytes of its bodies."""
        with self._lock:
            self._running[method] -= 1
            self._received += received
            self._sent += sent

    def describe(self) -> Iterable[Metric]:
        """Name the families, so that the registry refuses a second set."""
        return self._families({}, 0, 0)

    def collect(self) -> Iterable[Metric]:
        """Show the numbers of this moment."""
        with self._lock:
            running, received, sent = dict(self._running), self._received, self._sent
        return self._families(running, received, sent)

    def _families(self, running: dict[str, int], received: int, sent: int) -> list[Metric]:
        name, text, labels = IN_PROGRESS
        gauge = GaugeMetricFamily(name, text, labels=labels)
        for method, number in running.items():
            gauge.add_metric((method,), number)
        return [gauge, CounterMetricFamily(*RECEIVED, value=received), CounterMetricFamily(*SENT, value=sent)]


class SharedTotals:
    """Counters and gauges that add up over the workers of a service."""

    def __init__(self, registry: CollectorRegistry) -> None:
        name, text, labels = IN_PROGRESS
        self._running = Gauge(name, text, labels, registry=registry, multiprocess_mode="livesum")
        self._received = Counter(*RECEIVED, registry=registry)
        self._sent = Counter(*SENT, registry=registry)

    def started(self, method: str) -> None:
        """Count a request as running."""
        self._running.labels(method).inc()

    def finished(self, method: str, received: int, sent: int) -> None:
        """Count a request as over, with the bytes of its bodies."""
        self._running.labels(method).dec()
        self._received.inc(received)
        self._sent.inc(sent)
