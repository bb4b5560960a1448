"""Counting requests that do not come over ASGI: those of a proxy, of another server, of a queue that speaks HTTP."""

from __future__ import annotations

from contextlib import suppress
from math import inf

from service.error_metrics.measurement import METHODS, OTHER_METHOD

from .http_metrics import HTTPMetrics

_metrics: HTTPMetrics | None = None


def count_requests_in(metrics: HTTPMetrics | None) -> None:
    """Count in these metrics from now on; the application that was set up last has its own put here."""
    global _metrics
    _metrics = metrics


def record_http_request(method: str, endpoint: str, status: int, duration: float) -> None:
    """Count a request in `http_requests_total` and `http_request_duration_seconds`.

    It is cheap and never raises; before there is an application it counts nothing.

    Args:
        method: such as GET; an unknown one is counted as `_OTHER`.
        endpoint: a template such as `/orders/{order_id}`, not a path; those that are too many are counted as `/other`.
        status: of the answer.
        duration: seconds; one that is no number, or below zero, is left out together with its request.
    """
    if _metrics is None or not 0 <= duration < inf:
        return
    with suppress(Exception):
        _metrics.count(method if method in METHODS else OTHER_METHOD, endpoint, status, duration)
