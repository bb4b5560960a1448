"""What an evaluation moves."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from service.fds.engines import ModelEngine, RulesEngine, ThreatsEngine
from service.fds.evaluation import Answer, Evaluation
from service.fds.judgement import band_of
from service.fds.metrics import FDSMetrics
from service.fds.threat_lists import MemoryThreats
from tests.fds.payments import payment

ENGINES = (RulesEngine(), ModelEngine(), ThreatsEngine(MemoryThreats({})))


@pytest.fixture
def registry() -> CollectorRegistry:
    """Where the metrics are."""
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> FDSMetrics:
    """Metrics of all engines."""
    return FDSMetrics(registry, ENGINES)


def evaluated(score: int, *answers: Answer, seconds: float = 0.002) -> Evaluation:
    """Return an evaluation."""
    band = band_of(score)
    return Evaluation(payment(), score, band.level, band.decision, answers, seconds)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    """Return a sample."""
    return registry.get_sample_value(name, labels)


def test_fixed_series_begin_at_zero(metrics: FDSMetrics, registry: CollectorRegistry) -> None:
    """The first event is an increase."""
    assert value(registry, "fds_evaluations_total", risk_level="blocked", decision="block") == 0
    assert value(registry, "fds_risk_level_distribution_total", risk_level="low") == 0
    assert value(registry, "fds_decisions_total", decision="hold") == 0
    assert value(registry, "fds_engine_timeouts_total", engine="model") == 0
    assert value(registry, "fds_risk_factors_triggered_total", factor="impossible_travel") == 0
    assert value(registry, "fds_blocked_transactions_total", reason="listed_botnet") == 0
    assert value(registry, "fds_additional_auth_required_total") == 0
    assert value(registry, "fds_sla_violations_total") == 0


def test_a_decision_is_counted_by_level(metrics: FDSMetrics, registry: CollectorRegistry) -> None:
    """And in the distribution of scores and times."""
    metrics.begun()
    assert value(registry, "fds_evaluations_in_progress") == 1
    metrics.ended(evaluated(45))
    assert value(registry, "fds_evaluations_in_progress") == 0
    assert value(registry, "fds_evaluations_total", risk_level="medium", decision="additional_auth") == 1
    assert value(registry, "fds_risk_level_distribution_total", risk_level="medium") == 1
    assert value(registry, "fds_decisions_total", decision="additional_auth") == 1
    assert value(registry, "fds_additional_auth_required_total") == 1
    assert value(registry, "fds_risk_score_distribution_bucket", le="40.0") == 0
    assert value(registry, "fds_risk_score_distribution_bucket", le="50.0") == 1
    assert value(registry, "fds_evaluation_duration_seconds_count") == 1
    assert value(registry, "fds_evaluation_latency_summary", quantile="0.99") == 0.002


def test_who_leaves_before_the_decision_is_no_evaluation(metrics: FDSMetrics, registry: CollectorRegistry) -> None:
    """Nothing runs any more, nothing was decided."""
    metrics.begun()
    metrics.ended(None)
    assert value(registry, "fds_evaluations_in_progress") == 0
    assert value(registry, "fds_evaluation_duration_seconds_count") == 0


def test_times_of_engines_are_counted_apart_and_together(metrics: FDSMetrics, registry: CollectorRegistry) -> None:
    """Late ones with the time that they were waited for."""
    metrics.begun()
    answers = (
        Answer("rules", "ok", 0.001, 0.03, 45, ("velocity_minute",), 0.8),
        Answer("model", "failed", 0.002, 0.04),
        Answer("threats", "late", 0.05, 0.05),
    )
    metrics.ended(evaluated(36, *answers))
    for engine, name in (("rules", "rule"), ("model", "ml"), ("threats", "cti")):
        assert value(registry, f"fds_{name}_engine_duration_seconds_count") == 1
        assert value(registry, "fds_engine_breakdown_seconds_count", engine=engine) == 1
    assert value(registry, "fds_engine_timeouts_total", engine="threats") == 1
    assert value(registry, "fds_engine_timeouts_total", engine="model") == 0
    assert value(registry, "fds_risk_factors_triggered_total", factor="velocity_minute") == 1


def test_a_blocked_payment_is_counted_by_its_strongest_factor(metrics: FDSMetrics, registry: CollectorRegistry) -> None:
    """Of the engine that says most."""
    metrics.begun()
    answers = (
        Answer("rules", "ok", 0.001, 0.03, 45, ("velocity_minute",), 0.8),
        Answer("threats", "ok", 0.001, 0.05, 95, ("listed_fraud_ring", "listed_proxy"), 1.0),
    )
    metrics.ended(evaluated(97, *answers))
    assert value(registry, "fds_blocked_transactions_total", reason="listed_fraud_ring") == 1
    assert value(registry, "fds_blocked_transactions_total", reason="velocity_minute") == 0


def test_a_decision_over_a_tenth_of_a_second_is_a_violation(metrics: FDSMetrics, registry: CollectorRegistry) -> None:
    """Not one of exactly that."""
    for seconds in (0.1, 0.1001):
        metrics.begun()
        metrics.ended(evaluated(0, seconds=seconds))
    assert value(registry, "fds_sla_violations_total") == 1
