"""Making the model again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.fds.engines import ModelEngine
from service.fds.engines.model import FILE
from service.fds.training.__main__ import COUNT, LEARNT, SEED, train
from service.fds.training.card import model_card
from service.fds.training.quality import assess
from service.fds.training.replay import replay
from service.fds.training.world import World

pytest.importorskip("sklearn", reason="scikit-learn is not installed")


def test_the_model_and_its_card_are_what_training_makes(repository: Path) -> None:
    """From the same seed; and nobody is right about everybody."""
    world = World(SEED)
    payments = list(replay(world.payments(COUNT)))
    learnt = int(COUNT * LEARNT)
    model = train(payments[:learnt])
    kept = json.loads(FILE.read_text())
    assert model["weights"] == pytest.approx(kept["weights"], abs=0.02)
    report = assess(payments[learnt:], ModelEngine(kept), world.threats)
    card = (repository / "docs" / "fraud-model.md").read_text(encoding="utf-8")
    assert model_card(report, kept["weights"], COUNT) == card
    whole = report.ways["all"]
    assert 0.85 < whole.precision < 0.97
    assert 0.60 < whole.recall < 0.85
    assert whole.recall > max(report.ways[name].recall for name in ("rules", "model", "threats"))
