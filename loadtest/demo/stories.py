"""Who buys what, and whether that is a fraud: the stories of the world that the model was trained on, in real time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from service.error_metrics.account_numbers import luhn_valid
from service.fds.training.world import World

KEPT = 0.05
"""The share of ordinary purchases that is kept: a visitor wants to see something within a minute. So about one payment
in four is a fraud, and most of the honest ones have something unusual about them."""
PER_STORY = 0.17
"""Payments that are kept of one story, on average."""
LISTED_DEVICE = "stolen-phone"  # on the threat list that the service brings along


@dataclass(frozen=True, slots=True)
class Purchase:
    """Somebody means to spend so much; `at` is in seconds since the beginning, and `fraud` the truth."""

    person: str
    amount: int
    card: str
    device: str
    ip: str
    country: str
    card_country: str
    fraud: bool
    story: str
    at: float


def purchases(seed: int, people: int, per_second: float) -> Iterator[Purchase]:
    """Tell of purchases without end; the same seed tells the same ones."""
    world = World(seed, people, start=0.0, rate=per_second * 3600 / PER_STORY, prefix=f"demo{seed}-")
    chance = Random(seed)  # noqa: S311  # chance, not secrecy
    for told in world.payments(sys.maxsize):
        if told.story == "ordinary" and chance.random() >= KEPT:
            continue
        facts = told.transaction
        listed = f"device:{facts.device}" in world.threats
        yield Purchase(
            person=facts.user_id,
            amount=facts.amount,
            card=card_number(facts.card),
            device=LISTED_DEVICE if listed else facts.device,
            ip=facts.ip,
            country=facts.country,
            card_country=facts.card_country,
            fraud=told.fraud,
            story=told.story,
            at=facts.at,
        )


def card_number(name: str) -> str:
    """Return a number with a valid check digit, always the same one for the same card."""
    digits = f"4{int(sha256(name.encode()).hexdigest(), 16) % 10**14:014}"
    return next(number for number in (f"{digits}{last}" for last in range(10)) if luhn_valid(number))
