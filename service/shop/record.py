"""What the shop's own code counts with: functions, so that it need not carry the metrics around.

They count in the metrics of the application that was installed last, and nowhere before there is one. They are cheap,
and never raise.

    @track_transaction_duration("payment")
    async def pay(...): ...

    record_transaction("completed", amount)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import wraps
from time import perf_counter
from typing import ParamSpec, TypeVar

from .metrics import ShopMetrics

P = ParamSpec("P")
T = TypeVar("T")
_metrics: ShopMetrics | None = None


def count_in(metrics: ShopMetrics | None) -> None:
    """Count in these metrics from now on."""
    global _metrics
    _metrics = metrics


def record_transaction(status: str, amount: int) -> None:
    """Count a checkout: `completed, declined, additional_auth, review, blocked` or `failed`; `amount` in KRW."""
    _tell(lambda metrics: metrics.record_transaction(status, amount))


def record_fds_evaluation(result: str, duration: float) -> None:
    """Count a fraud check with its decision, or `unavailable`; `duration` in seconds."""
    _tell(lambda metrics: metrics.record_fds_evaluation(result, duration))


def record_order(status: str, items: int = 0) -> None:
    """Count an order that reached a state, and the items of a new one."""
    _tell(lambda metrics: metrics.record_order(status, items))


def record_payment(status: str, method: str, amount: int = 0) -> None:
    """Count a payment: `completed, declined` or `refunded`; `amount` in KRW of one that was taken."""
    _tell(lambda metrics: metrics.record_payment(status, method, amount))


def record_registration() -> None:
    """Count a new user."""
    _tell(lambda metrics: metrics.record_registration())


def record_login(result: str) -> None:
    """Count a login: `success, failure` or `throttled`."""
    _tell(lambda metrics: metrics.record_login(result))


def record_cache_operation(operation: str, result: str) -> None:
    """Count what a cache was asked: `get, set` or `delete`, with its result."""
    _tell(lambda metrics: metrics.record_cache_operation(operation, result))


def record_action(action: str) -> None:
    """Count something that a user did."""
    _tell(lambda metrics: metrics.record_action(action))


def show_users(active: int, today: int) -> None:
    """Show how many users were seen in the last five minutes and today (UTC)."""
    _tell(lambda metrics: metrics.show_users(active, today))


def track_transaction_duration(operation: str) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Return a decorator that notes how long a coroutine took, also when it raised."""

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @wraps(function)
        async def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            began = perf_counter()
            try:
                return await function(*args, **kwargs)
            finally:
                _tell(lambda metrics: metrics.record_duration(operation, perf_counter() - began))

        return timed

    return decorate


def _tell(what: Callable[[ShopMetrics], None]) -> None:
    if _metrics is not None:
        with suppress(Exception):  # a fault in counting must not cost an order
            what(_metrics)
