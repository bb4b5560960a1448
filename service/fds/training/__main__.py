"""`python -m service.fds.training`: makes `model.json` and `docs/fraud-model.md` anew. Needs scikit-learn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from service.fds.engines import ModelEngine
from service.fds.engines.features import NAMES, features
from service.fds.engines.model import FILE

from .card import model_card
from .quality import assess
from .replay import Seen, replay
from .world import World

SEED, COUNT, LEARNT = 7, 80_000, 0.7
CARD = Path("docs/fraud-model.md")


def train(payments: list[Seen]) -> dict[str, Any]:
    """Return the content of `model.json`, fitted to payments whose truth is known."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-not-found,import-untyped,unused-ignore]

    found = LogisticRegression(max_iter=5000).fit(
        [features(told.transaction, past) for told, past in payments], [told.fraud for told, _ in payments]
    )
    weights = dict(zip(NAMES, (round(float(weight), 3) for weight in found.coef_[0]), strict=True))
    return {"intercept": round(float(found.intercept_[0]), 3), "weights": weights}


def main() -> None:
    """Make a world, learn from its past, and measure on the rest."""
    world = World(SEED)
    print(f"making {COUNT:,} payments")
    payments = list(replay(world.payments(COUNT)))
    learnt = int(COUNT * LEARNT)
    print(f"learning from {learnt:,}")
    model = train(payments[:learnt])
    report = assess(payments[learnt:], ModelEngine(model), world.threats)
    FILE.write_text(json.dumps(model, indent=1) + "\n", "utf-8")
    CARD.write_text(model_card(report, model["weights"], COUNT), "utf-8")
    whole = report.ways["all"]
    print(f"precision {whole.precision:.3f}, recall {whole.recall:.3f}: wrote {FILE.name} and {CARD}")


if __name__ == "__main__":
    main()
