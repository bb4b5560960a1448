"""Which of many equal errors are reported: token buckets, and counts of what became of the reports."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

from .cells import CounterChild
from .prometheus import PrometheusExporter

REASONS = (
    "sampled",  # left out by a sample rate
    "rate_limited",  # too many equal ones, or too many in all
    "queue_full",  # the server is slower than the errors
    "backoff",  # the server asked to wait (429, Retry-After)
    "network",  # refused, timed out, cut off, no such name
    "rejected",  # any other answer than 2xx
    "masking",  # could not be masked, and so was not sent
    "building",  # could not be described
    "shutdown",  # still waiting when the time to flush was over
)
_NEVER_ACCEPTED = ("sampled", "rate_limited")
MAX_KEYS = 1000
_OTHERS = object()


class _Bucket:
    __slots__ = ("_at", "_burst", "_interval", "_tokens", "held_back")

    def __init__(self, burst: float, interval: float, now: float) -> None:
        self._burst, self._interval = burst, interval
        self._tokens, self._at = burst, now
        self.held_back = 0

    def take(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._at) / self._interval)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Limiter:
    """Admits a burst of each kind of error, then one every few seconds, and bounds all of them together.

    Args:
        burst: equal errors that pass at once.
        interval: seconds after which one more passes.
        total_burst: errors of all kinds that pass at once.
        total_interval: seconds after which one more of any kind passes.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        burst: float = 5,
        interval: float = 10.0,
        total_burst: float = 50,
        total_interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst, self._interval = burst, interval
        self._clock = clock
        self._lock = threading.Lock()
        self._all = _Bucket(total_burst, total_interval, clock())
        self._buckets: dict[Hashable, _Bucket] = {}

    def admit(self, key: Hashable) -> int | None:
        """Return how many equal errors were held back since the last one that passed; None holds this one back, too."""
        with self._lock:
            now = self._clock()
            bucket = self._buckets.get(key) or self._make(key, now)
            if not (bucket.take(now) and self._all.take(now)):
                bucket.held_back += 1
                return None
            held_back, bucket.held_back = bucket.held_back, 0
            return held_back

    def _make(self, key: Hashable, now: float) -> _Bucket:
        if len(self._buckets) >= MAX_KEYS:  # whatever makes up error types by the thousand shares one bucket
            key = _OTHERS
        return self._buckets.setdefault(key, _Bucket(self._burst, self._interval, now))


class SentryCounts:
    """What became of the reports, here and in Prometheus.

    Attributes:
        sent: taken by the server.
        dropped: lost or left out, by reason.
    """

    def __init__(self, exporter: PrometheusExporter | None) -> None:
        self.sent = self._accepted = 0
        self.dropped = dict.fromkeys(REASONS, 0)
        self._lock = threading.Lock()
        self._series: dict[str, CounterChild] = {}
        if exporter is not None:
            sent = exporter.more("sentry_events_sent_total", "Reports that Sentry took.")
            lost = exporter.more("sentry_events_dropped_total", "Reports that did not reach Sentry.", "reason")
            self._series = {"": sent(), **{reason: lost(reason) for reason in REASONS}}

    def accept(self) -> None:
        """Count a report that waits from now on to be sent."""
        with self._lock:
            self._accepted += 1

    @property
    def waiting(self) -> int:
        """Reports that were accepted and of which nothing is known yet."""
        with self._lock:
            lost = sum(number for reason, number in self.dropped.items() if reason not in _NEVER_ACCEPTED)
            return self._accepted - self.sent - lost

    def send(self) -> None:
        """Count a report that the server took."""
        with self._lock:
            self.sent += 1
        if self._series:
            self._series[""].inc()

    def drop(self, reason: str, reports: int = 1) -> None:
        """Count reports that were lost or left out."""
        with self._lock:
            self.dropped[reason] += reports
        if self._series:
            self._series[reason].inc(reports)
