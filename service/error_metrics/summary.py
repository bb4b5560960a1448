"""Figures of all requests in a few numbers: counts, mean, extremes and percentiles of the response time."""

from __future__ import annotations

import math
import threading
from array import array
from dataclasses import dataclass

from .measurement import MeasuredRequest, RequestObserver

RECENT = 4096


@dataclass(frozen=True)
class RequestFigures:
    """Times are in seconds and None before the first request; percentiles are over the newest 4,096 requests."""

    total_calls: int
    total_errors: int
    mean: float | None
    minimum: float | None
    maximum: float | None
    p50: float | None
    p95: float | None
    p99: float | None

    @property
    def error_rate(self) -> float:
        """Percent of the requests that were answered with 400 or above."""
        return 100 * self.total_errors / self.total_calls if self.total_calls else 0.0


class RequestSummary(RequestObserver):
    """Keeps the figures of one application. Memory does not grow with the number of requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Start anew."""
        with self._lock:
            self._calls = self._errors = 0
            self._sum = self._longest = 0.0
            self._shortest = math.inf
            self._recent = array("d", bytes(8 * RECENT))

    def finished(self, request: MeasuredRequest) -> None:
        """Take in one request."""
        duration = request.duration
        with self._lock:
            self._recent[self._calls % RECENT] = duration
            self._calls += 1
            self._sum += duration
            if duration < self._shortest:
                self._shortest = duration
            if duration > self._longest:
                self._longest = duration
            if request.status >= 400:
                self._errors += 1

    def figures(self) -> RequestFigures:
        """Return the figures of this moment."""
        with self._lock:
            calls, errors, total = self._calls, self._errors, self._sum
            shortest, longest = self._shortest, self._longest
            times = sorted(self._recent[: min(calls, RECENT)])
        if not calls:
            return RequestFigures(0, 0, None, None, None, None, None, None)
        ranks = (percentile(times, share) for share in (0.5, 0.95, 0.99))
        return RequestFigures(calls, errors, total / calls, shortest, longest, *ranks)


def percentile(ordered: list[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
