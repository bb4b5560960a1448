"""A logistic regression: a dozen multiplications, so that it needs no runtime and can be read in `model.json`.

Made by `python -m service.fds.training`; see `docs/fraud-model.md` for what it was trained on and how good it is.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from math import exp
from pathlib import Path
from typing import Any

from service.fds.history import Past
from service.fds.transaction import Transaction

from .features import NAMES, features
from .finding import Finding

FILE = Path(__file__).with_name("model.json")
NOTABLE = 1.0
"""Logits that a feature adds before it is named as a factor; 1 multiplies the odds by 2.7."""


class ModelEngine:
    """Gives the probability of fraud as points.

    Args:
        model: the content of `model.json`.

    Raises:
        ValueError: the file was made for other features than those of this code.
    """

    name, limit, weight = "model", 0.040, 0.95
    factors = tuple(f"model_{name}" for name in NAMES)

    def __init__(self, model: Mapping[str, Any] | None = None) -> None:
        model = json.loads(FILE.read_text("utf-8")) if model is None else model
        weights: Mapping[str, float] = model["weights"]
        if tuple(weights) != NAMES:
            raise ValueError("model.json: made for other features, run `python -m service.fds.training` again")
        self._weights = tuple(weights.values())
        self._intercept: float = model["intercept"]

    async def look(self, transaction: Transaction, past: Awaitable[Past]) -> Finding:
        """Return the probability of fraud in percent, and the features that speak for it."""
        return self.judge(transaction, await past)

    def judge(self, transaction: Transaction, past: Past) -> Finding:
        """Do as `look` does, with a past that is known."""
        parts = [weight * value for weight, value in zip(self._weights, features(transaction, past), strict=True)]
        logit = max(-30.0, min(30.0, self._intercept + sum(parts)))
        bound = min(NOTABLE, max(parts)) if logit > 0 else NOTABLE  # a finding of fraud says at least one thing
        notable = tuple(name for name, part in zip(self.factors, parts, strict=True) if part >= bound)
        return Finding(100.0 / (1.0 + exp(-logit)), notable)
