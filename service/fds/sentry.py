"""What fraud detection tells Sentry. Every function does nothing while Sentry is off.

with start_transaction("evaluate", op="fds") as span:
    add_fds_breadcrumb("rules done", transaction_id, engine="rules", risk_score=40)
    with span.start_child(op="engine", name="model"):
        ...
"""

from __future__ import annotations

from service.error_metrics.sentry import (
    add_breadcrumb,
    capture_exception_with_facts,
    capture_message,
    start_transaction,
)

__all__ = [
    "add_breadcrumb",
    "add_fds_breadcrumb",
    "capture_fds_exception",
    "capture_fds_performance_issue",
    "start_transaction",
]


def capture_fds_exception(exc: BaseException, transaction_id: str, risk_score: int | None, engine: str) -> None:
    """Report what went wrong while a payment was judged.

    Args:
        exc: what was raised.
        transaction_id: the payment's id, no card or account number.
        risk_score: 0 to 100 as far as it was known, else None.
        engine: the engine that failed, to search by: `rules`, `model` or `threats`.
    """
    facts = {"transaction_id": transaction_id, "risk_score": risk_score, "engine": engine}
    capture_exception_with_facts(exc, tags={"engine": engine}, contexts={"fds": facts})


def capture_fds_performance_issue(duration_ms: float, threshold_ms: float, transaction_id: str, engine: str) -> None:
    """Report that an engine took longer than it may; nothing when it did not. Grouped by engine."""
    if duration_ms <= threshold_ms:
        return
    facts = {"duration_ms": duration_ms, "threshold_ms": threshold_ms, "transaction_id": transaction_id}
    capture_message(
        f"{engine} took longer than {threshold_ms:g} ms",
        "warning",
        tags={"engine": engine},
        contexts={"fds": {**facts, "engine": engine}},
        fingerprint=("fds-slow", engine),
    )


def add_fds_breadcrumb(message: str, transaction_id: str, *, engine: str, risk_score: int | None = None) -> None:
    """Note a step of a judgement, to be sent with the next error of the same request."""
    data = {"transaction_id": transaction_id, "engine": engine, "risk_score": risk_score}
    add_breadcrumb(message, "fds", data=data)
