"""The metrics of fraud detection: of evaluations, of engines, and of how right decisions were."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge

from service.error_metrics.cells import CounterFamily, make_counter, make_histogram, only_child

from .engines import Engine
from .evaluation import BUDGET, Answer, Evaluation
from .judgement import DECISIONS, LEVELS
from .latency import LatencySummary

DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5)
"""Upper bounds in seconds; the limits of the engines and of the whole are among them."""
SCORES = tuple(range(10, 101, 10))
HISTOGRAMS = {
    "rules": ("fds_rule_engine_duration_seconds", "Time that was waited for the rules."),
    "model": ("fds_ml_engine_duration_seconds", "Time that was waited for the model."),
    "threats": ("fds_cti_engine_duration_seconds", "Time that was waited for threat intelligence."),
}


class FDSMetrics:
    """Counts evaluations; a `Watcher` of the `Evaluator`.

    Args:
        registry: where the metrics are registered.
        engines: whose factors and times are counted.

    Raises:
        ValueError: the registry holds series of these names already.
    """

    def __init__(self, registry: CollectorRegistry, engines: Iterable[Engine]) -> None:
        self._registry = registry
        engines = tuple(engines)
        self._of_evaluations()
        self._of_engines([engine.name for engine in engines])
        factors = self._counter("fds_risk_factors_triggered_total", "Factors that spoke for fraud.", "factor")
        self._factors = {name: factors.labels(name) for engine in engines for name in engine.factors}
        blocked = self._counter("fds_blocked_transactions_total", "Payments blocked, by strongest factor.", "reason")
        self._blocked = {name: blocked.labels(name) for name in self._factors}

    def begun(self) -> None:
        """Count a payment that is being judged."""
        self._running.inc()

    def ended(self, evaluation: Evaluation | None) -> None:
        """Count a judgement."""
        self._running.dec()
        if evaluation is None:
            return
        for child in self._banded[evaluation.level]:
            child.inc()
        self._scores.observe(evaluation.score)
        self._durations.observe(evaluation.seconds)
        self._latency.add(evaluation.seconds)
        if evaluation.seconds > BUDGET:
            self._violations.inc()
        for answer in evaluation.answers:
            self._answered(answer)
        if evaluation.decision == "additional_auth":
            self._asked.inc()
        if evaluation.decision == "block":
            self._blocked[strongest_factor(evaluation)].inc()

    def _answered(self, answer: Answer) -> None:
        for child in self._engine_times[answer.engine]:
            child.observe(answer.seconds)
        if answer.state == "late":
            self._timeouts[answer.engine].inc()
        for factor in answer.factors:
            self._factors[factor].inc()

    def _of_evaluations(self) -> None:
        registry = self._registry
        evaluations = self._counter("fds_evaluations_total", "Payments judged.", "risk_level", "decision")
        levels = self._counter("fds_risk_level_distribution_total", "Payments by risk level.", "risk_level")
        decisions = self._counter("fds_decisions_total", "Decisions made.", "decision")
        self._banded = {
            level: (evaluations.labels(level, decision), levels.labels(level), decisions.labels(decision))
            for level, decision in zip(LEVELS, DECISIONS, strict=True)
        }
        self._running = Gauge(
            "fds_evaluations_in_progress", "Payments being judged.", registry=registry, multiprocess_mode="livesum"
        )
        self._durations = only_child(
            make_histogram("fds_evaluation_duration_seconds", "Time to a decision.", (), DURATIONS, registry)
        )
        self._scores = only_child(
            make_histogram("fds_risk_score_distribution", "Scores, 0 to 100.", (), SCORES, registry)
        )
        self._violations = only_child(self._counter("fds_sla_violations_total", "Decisions that took over 100 ms."))
        self._asked = only_child(self._counter("fds_additional_auth_required_total", "Second factors asked for."))
        self._latency = LatencySummary("fds_evaluation_latency_summary", "Seconds to a decision, lately.", registry)

    def _of_engines(self, names: list[str]) -> None:
        timeouts = self._counter("fds_engine_timeouts_total", "Engines that were late and cut off.", "engine")
        together = make_histogram(
            "fds_engine_breakdown_seconds",
            "Time that was waited for an engine.",
            ("engine",),
            DURATIONS,
            self._registry,
        )
        self._timeouts = {name: timeouts.labels(name) for name in names}
        self._engine_times = {
            name: (
                together.labels(name),
                only_child(make_histogram(*HISTOGRAMS[name], (), DURATIONS, self._registry)),
            )
            for name in names
        }

    def _counter(self, name: str, text: str, *labels: str) -> CounterFamily:
        return make_counter(name, text, labels, self._registry)


def strongest_factor(evaluation: Evaluation) -> str:
    """Return the first factor of the engine that says most; of a payment with a score there always is one."""
    heard = [answer for answer in evaluation.answers if answer.factors]
    return max(heard, key=lambda answer: answer.score * answer.weight).factors[0]
