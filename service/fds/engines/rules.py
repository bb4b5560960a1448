"""Rules that a person can read, one line each; their points add up, at most to 100."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from service.fds.history import Past
from service.fds.history.past import HOUR
from service.fds.transaction import Transaction

from .finding import Finding

Condition = Callable[[Transaction, Past], bool]


class Rule(NamedTuple):
    """Points for a condition."""

    name: str
    points: int
    meaning: str
    holds: Condition


def _above_habit(payment: Transaction, past: Past) -> bool:
    return past.payments >= 5 and payment.amount > max(3 * past.mean, past.mean + 4 * past.deviation)


def _elsewhere_too_soon(payment: Transaction, past: Past) -> bool:
    return past.last_country not in ("", payment.country) and payment.at - past.last_at < 2 * HOUR


RULES = (
    Rule("velocity_minute", 45, "four other attempts within a minute", lambda _, past: past.attempts_minute >= 4),
    Rule("velocity_hour", 25, "twelve other attempts within an hour", lambda _, past: past.attempts_hour >= 12),
    Rule("amount_above_habit", 30, "three times the mean and four deviations above it", _above_habit),
    Rule(
        "amount_large_at_first",
        25,
        "a first payment of a million KRW or more",
        lambda payment, past: not past.payments and payment.amount >= 1_000_000,
    ),
    Rule(
        "young_account",
        20,
        "half a million KRW or more on the account's first day",
        lambda payment, _: payment.account_age_days < 1 and payment.amount >= 500_000,
    ),
    Rule(
        "new_device",
        15,
        "a user who has paid before, from a new device",
        lambda _, p: p.payments > 0 and not p.known_device,
    ),
    Rule(
        "new_country", 15, "the same, from a new country", lambda _, past: past.payments > 0 and not past.known_country
    ),
    Rule(
        "card_from_elsewhere",
        15,
        "the card was issued in another country",
        lambda payment, _: payment.country != payment.card_country,
    ),
    Rule("impossible_travel", 40, "another country less than two hours after the last payment", _elsewhere_too_soon),
    Rule("card_testing_amounts", 55, "three small amounts within an hour", lambda _, past: past.small_hour >= 3),
    Rule("card_testing_cards", 55, "four different cards within an hour", lambda _, past: past.cards_hour >= 4),
    Rule("shared_device", 35, "a device of four users within a day", lambda _, past: past.users_of_device >= 4),
)
"""Points are chosen so that one strong rule asks for a second factor and two stop the payment."""


class RulesEngine:
    """Adds up the points of the rules that hold."""

    name, limit, weight = "rules", 0.030, 0.8
    factors = tuple(rule.name for rule in RULES)

    async def look(self, transaction: Transaction, past: Awaitable[Past]) -> Finding:
        """Return the sum, and the rules that hold."""
        return judge(transaction, await past)


def judge(transaction: Transaction, past: Past) -> Finding:
    """Return the points of the rules that hold."""
    held = [rule for rule in RULES if rule.holds(transaction, past)]
    return Finding(min(100, sum(rule.points for rule in held)), tuple(rule.name for rule in held))
