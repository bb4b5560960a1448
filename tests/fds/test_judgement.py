"""From scores to decisions."""

from __future__ import annotations

import pytest

from service.fds.judgement import band_of, combined


@pytest.mark.parametrize(
    ("score", "level", "decision"),
    [
        (0, "low", "approve"),
        (29, "low", "approve"),
        (30, "medium", "additional_auth"),
        (59, "medium", "additional_auth"),
        (60, "high", "hold"),
        (84, "high", "hold"),
        (85, "blocked", "block"),
        (100, "blocked", "block"),
    ],
)
def test_bands_begin_at_their_bounds(score: int, level: str, decision: str) -> None:
    """And end before the next."""
    band = band_of(score)
    assert (band.level, band.decision) == (level, decision)


@pytest.mark.parametrize(
    ("findings", "score"),
    [
        ([(0, 1)], 0),
        ([(100, 1)], 100),
        ([(100, 0.8)], 80),
        ([(50, 1), (50, 1)], 75),
        ([(100, 0.8), (0, 1), (0, 0.95)], 80),
        ([(100, 1), (100, 1)], 100),
    ],
)
def test_weights_limit_what_one_engine_can_do(findings: list[tuple[float, float]], score: int) -> None:
    """And none lowers the score of another."""
    assert combined(findings) == score
