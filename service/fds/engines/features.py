"""Numbers that the model sees: the same in training and in production, from the same history."""

from __future__ import annotations

from math import log, log1p

from service.fds.history import Past
from service.fds.history.past import HOUR
from service.fds.transaction import Transaction

NAMES = (
    "amount",
    "amount_to_mean",
    "amount_deviations",
    "attempts_minute",
    "attempts_hour",
    "small_share",
    "more_cards",
    "more_users_of_device",
    "first_payment",
    "new_device",
    "new_country",
    "card_from_elsewhere",
    "moved_fast",
    "account_age",
)
"""Names in the order of `features`; those that are above zero for nobody in particular are logarithms."""


def features(payment: Transaction, past: Past) -> tuple[float, ...]:
    """Return what the model sees of a payment, in the order of `NAMES`."""
    known = past.payments > 0
    moved = known and past.last_country != payment.country
    return (
        log1p(payment.amount) - 10.0,  # around 22,000 KRW
        max(-3.0, min(3.0, log((payment.amount + 1) / (past.mean + 1)))) if known else 0.0,
        max(-3.0, min(6.0, (payment.amount - past.mean) / (past.deviation + 1000.0))) if past.payments > 2 else 0.0,
        log1p(past.attempts_minute),
        log1p(past.attempts_hour),
        past.small_hour / (past.attempts_hour + 1),
        log(past.cards_hour),
        log(past.users_of_device),
        0.0 if known else 1.0,
        1.0 if known and not past.known_device else 0.0,
        1.0 if known and not past.known_country else 0.0,
        1.0 if payment.country != payment.card_country else 0.0,
        1.0 / (1.0 + (payment.at - past.last_at) / HOUR) if moved and payment.at >= past.last_at else 0.0,
        log1p(max(0.0, payment.account_age_days)),
    )
