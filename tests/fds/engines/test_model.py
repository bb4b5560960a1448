"""What the model says."""

from __future__ import annotations

import json
import math

import pytest

from service.fds.engines.features import NAMES, features
from service.fds.engines.model import FILE, ModelEngine
from tests.fds.payments import NOW, past, payment


def test_the_score_is_the_probability_of_a_logistic_regression() -> None:
    """100 / (1 + e^-(intercept + weights · features))."""
    model = json.loads(FILE.read_text())
    seen = features(payment(amount=200_000), past(known_device=False))
    logit = model["intercept"] + sum(
        weight * value for weight, value in zip(model["weights"].values(), seen, strict=True)
    )
    found = ModelEngine().judge(payment(amount=200_000), past(known_device=False))
    assert found.score == pytest.approx(100 / (1 + math.exp(-logit)))


def test_an_ordinary_payment_is_hardly_a_fraud() -> None:
    """Under five percent."""
    assert ModelEngine().judge(payment(), past()).score < 5


def test_a_stolen_account_stands_out() -> None:
    """Abroad, on a new device, again and again, with large amounts."""
    found = ModelEngine().judge(
        payment(amount=900_000, country="BR"),
        past(attempts_minute=3, attempts_hour=5, known_device=False, known_country=False),
    )
    assert found.score > 90
    assert "model_new_device" in found.factors


def test_a_finding_of_fraud_says_at_least_one_thing() -> None:
    """Also when many small things make it."""
    engine = ModelEngine({"intercept": 0.1, "weights": dict.fromkeys(NAMES, 0.01)})
    found = engine.judge(payment(), past())
    assert (found.score > 50, len(found.factors)) == (True, 1)


def test_a_model_for_other_features_is_refused() -> None:
    """It would judge by the wrong numbers."""
    with pytest.raises(ValueError, match=r"model\.json: made for other features"):
        ModelEngine({"intercept": 0.0, "weights": {"height": 1.0}})


def test_features_are_finite_for_the_strangest_payment() -> None:
    """No logarithm of nothing, no division by zero."""
    strange = (
        (payment(amount=1, account_age_days=0.0), past(payments=0, mean=0.0, deviation=0.0, last_country="")),
        (payment(amount=2_000_000_000), past(mean=1.0, deviation=0.0)),
        (payment(country="US"), past(last_at=NOW + 5)),  # another replica's clock is ahead
        (payment(country="US"), past(last_at=NOW)),
    )
    for told, before in strange:
        seen = features(told, before)
        assert len(seen) == len(NAMES)
        assert all(math.isfinite(value) for value in seen)
