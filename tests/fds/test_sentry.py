"""What fraud detection tells Sentry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.error_metrics import MetricsConfig, SentryIntegration, sentry, sentry_trail
from service.fds.sentry import (
    add_breadcrumb,
    add_fds_breadcrumb,
    capture_fds_exception,
    capture_fds_performance_issue,
    start_transaction,
)
from tests.sentry_server import SentryServer, sentry_server


@pytest.fixture
def server() -> Iterator[SentryServer]:
    """A Sentry server."""
    with sentry_server() as running:
        yield running


@pytest.fixture
def integration(server: SentryServer) -> Iterator[SentryIntegration]:
    """Sentry enabled, every span sent."""
    config = MetricsConfig(sentry_enabled=True, sentry_dsn=server.dsn, sentry_traces_sample_rate=1)
    made = sentry.init_sentry(config)
    assert made is not None
    yield made
    made.flush(5)
    sentry._default = None
    sentry_trail.forget_job()


def test_a_failed_judgement_tells_which_engine_and_payment(
    server: SentryServer, integration: SentryIntegration
) -> None:
    """With the steps that led there."""
    add_breadcrumb("asked", "http")
    add_fds_breadcrumb("rules done", "tx-17", engine="rules", risk_score=40)
    capture_fds_exception(TimeoutError("late"), "tx-17", 40, "model")
    assert integration.flush(5)
    (event,) = server.events
    assert event["contexts"]["fds"] == {"transaction_id": "tx-17", "risk_score": 40, "engine": "model"}
    assert event["tags"]["engine"] == "model"
    asked, judged = event["breadcrumbs"]["values"]
    assert (asked["category"], judged["category"]) == ("http", "fds")
    assert judged["data"] == {"transaction_id": "tx-17", "engine": "rules", "risk_score": 40}


def test_a_slow_engine_is_an_issue_and_a_quick_one_is_none(
    server: SentryServer, integration: SentryIntegration
) -> None:
    """All slow judgements of one engine are one issue."""
    capture_fds_performance_issue(30.0, 40, "tx-1", "model")
    capture_fds_performance_issue(55.5, 40, "tx-2", "model")
    assert integration.flush(5)
    (event,) = server.events
    assert (event["level"], event["logentry"]["formatted"]) == ("warning", "model took longer than 40 ms")
    assert event["fingerprint"] == ["fds-slow", "model"]
    assert event["contexts"]["fds"]["duration_ms"] == 55.5


def test_a_judgement_is_a_transaction_with_a_span_for_each_engine(
    server: SentryServer, integration: SentryIntegration
) -> None:
    """As long as nobody else owns the traces."""
    with start_transaction("evaluate", op="fds") as span, span.start_child(op="engine", name="rules") as child:
        child.set_data("card", "4242 4242 4242 4242")
    assert integration.flush(5)
    (transaction,) = server.items("transaction")
    assert (transaction["transaction"], transaction["contexts"]["trace"]["op"]) == ("evaluate", "fds")
    assert [(one["op"], one["description"]) for one in transaction["spans"]] == [("engine", "rules")]
    assert b"4242 4242" not in server.raw


def test_without_sentry_nothing_happens() -> None:
    """And nothing fails."""
    add_fds_breadcrumb("rules done", "tx-17", engine="rules")
    capture_fds_exception(TimeoutError(), "tx-17", None, "model")
    capture_fds_performance_issue(55.5, 40, "tx-2", "model")
    with start_transaction("evaluate") as span:
        span.set_tag("engine", "rules")
    assert sentry_trail.known_trail() is None
