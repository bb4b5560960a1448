"""How good decisions are, on payments that nothing was learnt from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from service.fds.engines import ModelEngine, RulesEngine, ThreatsEngine
from service.fds.engines.rules import judge
from service.fds.engines.threats import keys_of
from service.fds.history import Past
from service.fds.judgement import DECISIONS, STOPPED, band_of, combined
from service.fds.threat_lists import Threat
from service.fds.transaction import Transaction

from .replay import Seen


@dataclass
class Quality:
    """The confusion matrix of one way to decide; a payment counts as called fraud when it is held or blocked."""

    matrix: Counter[tuple[bool, bool]] = field(default_factory=Counter)  # by truth and by what it was called

    def add(self, fraud: bool, score: int) -> None:
        """Count a payment with its score."""
        self.matrix[fraud, band_of(score).decision in STOPPED] += 1

    @property
    def precision(self) -> float:
        """Share of frauds among what was called fraud."""
        return self.matrix[True, True] / max(1, self.matrix[True, True] + self.matrix[False, True])

    @property
    def recall(self) -> float:
        """Share of the frauds that was called fraud."""
        return self.matrix[True, True] / max(1, self.matrix[True, True] + self.matrix[True, False])


@dataclass
class Report:
    """Quality by engine and of all together, and decisions by story."""

    ways: dict[str, Quality] = field(default_factory=dict)
    stories: dict[str, Counter[str]] = field(default_factory=dict)


def assess(payments: Iterable[Seen], model: ModelEngine, threats: Mapping[str, Threat]) -> Report:
    """Decide on payments as the service would with all engines in time, and compare with the truth."""
    report = Report({name: Quality() for name in ("rules", "model", "threats", "all")})
    for told, past in payments:
        points = points_of(told.transaction, past, model, threats)
        for name, found in points.items():
            report.ways[name].add(told.fraud, combined([found]))
        score = combined(points.values())
        report.ways["all"].add(told.fraud, score)
        decisions = report.stories.setdefault(told.story, Counter(dict.fromkeys(DECISIONS, 0)))
        decisions[band_of(score).decision] += 1
    return report


def points_of(
    payment: Transaction, past: Past, model: ModelEngine, threats: Mapping[str, Threat]
) -> dict[str, tuple[float, float]]:
    """Return what each engine finds, and its weight, when all are in time."""
    listed = [threats[key].score for key in keys_of(payment) if key in threats]
    return {
        "rules": (judge(payment, past).score, RulesEngine.weight),
        "model": (model.judge(payment, past).score, ModelEngine.weight),
        "threats": (max(listed, default=0), ThreatsEngine.weight),
    }
