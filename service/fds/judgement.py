"""From the engines' findings to a decision."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Literal, NamedTuple

Level = Literal["low", "medium", "high", "blocked"]
Decision = Literal["approve", "additional_auth", "hold", "block"]


class Band(NamedTuple):
    """Scores from `bound` on."""

    bound: int
    level: Level
    decision: Decision


BANDS = (
    Band(0, "low", "approve"),
    Band(30, "medium", "additional_auth"),
    Band(60, "high", "hold"),
    Band(85, "blocked", "block"),
)
LEVELS: tuple[Level, ...] = tuple(band.level for band in BANDS)
DECISIONS: tuple[Decision, ...] = tuple(band.decision for band in BANDS)
STOPPED: frozenset[Decision] = frozenset(("hold", "block"))
"""Decisions that call a payment fraud; a second factor asks, and does not stop an honest customer."""


def combined(findings: Iterable[tuple[float, float]]) -> int:
    """Return one score from pairs of score (0 to 100) and weight (0 to 1).

    It is a noisy-or: each engine is right with a probability of its weight, and one that is sure is enough. So an
    engine that sees nothing takes nothing away from one that does.
    """
    return round(100 * (1 - prod(1 - weight * score / 100 for score, weight in findings)))


def band_of(score: float) -> Band:
    """Return the band in which a score lies."""
    return next(band for band in reversed(BANDS) if score >= band.bound)


UNSEEN = BANDS[2]
"""When no engine answered: nobody looked at the payment, so a person must."""
