"""Each rule, just before it holds and when it does."""

from __future__ import annotations

from typing import Any

import pytest

from service.fds.engines.rules import RULES, RulesEngine, judge
from service.fds.judgement import band_of, combined
from tests.fds.payments import NOW, past, payment

Facts = dict[str, Any]
FIRST: Facts = {"payments": 0, "mean": 0.0, "known_device": False, "known_country": False, "last_country": ""}
CASES: tuple[tuple[str, Facts, Facts, Facts, Facts], ...] = (
    ("velocity_minute", {}, {"attempts_minute": 3}, {}, {"attempts_minute": 4}),
    ("velocity_hour", {}, {"attempts_hour": 11}, {}, {"attempts_hour": 12}),
    ("amount_above_habit", {"amount": 90_000}, {}, {"amount": 90_001}, {}),
    ("amount_above_habit", {"amount": 90_001}, {"payments": 4}, {"amount": 90_001}, {"payments": 5}),
    ("amount_above_habit", {"amount": 150_000}, {"deviation": 30_000.0}, {"amount": 150_001}, {"deviation": 30_000.0}),
    ("amount_large_at_first", {"amount": 999_999}, FIRST, {"amount": 1_000_000}, FIRST),
    (
        "young_account",
        {"amount": 500_000, "account_age_days": 1.0},
        {},
        {"amount": 500_000, "account_age_days": 0.9},
        {},
    ),
    ("new_device", {}, {**FIRST, "known_country": True}, {}, {"known_device": False}),
    ("new_country", {}, {**FIRST, "known_device": True}, {}, {"known_country": False}),
    ("card_from_elsewhere", {}, {}, {"card_country": "US"}, {}),
    (
        "impossible_travel",
        {},
        {"last_country": "US", "last_at": NOW - 7200},
        {},
        {"last_country": "US", "last_at": NOW - 7199},
    ),
    ("card_testing_amounts", {}, {"small_hour": 2}, {}, {"small_hour": 3}),
    ("card_testing_cards", {}, {"cards_hour": 3}, {}, {"cards_hour": 4}),
    ("shared_device", {}, {"users_of_device": 3}, {}, {"users_of_device": 4}),
)


@pytest.mark.parametrize(("rule", "quiet", "quiet_past", "loud", "loud_past"), CASES)
def test_a_rule_holds_from_its_bound_on(
    rule: str, quiet: Facts, quiet_past: Facts, loud: Facts, loud_past: Facts
) -> None:
    """And not before."""
    assert rule not in judge(payment(**quiet), past(**quiet_past)).factors
    assert rule in judge(payment(**loud), past(**loud_past)).factors


def test_every_rule_has_a_case() -> None:
    """A rule that nobody tries is a rule that nobody knows."""
    assert {case[0] for case in CASES} == {rule.name for rule in RULES}


def test_an_ordinary_payment_has_no_points() -> None:
    """Of somebody who has paid before."""
    assert judge(payment(), past()) == judge(payment(amount=80_000), past())
    assert judge(payment(), past()).score == 0


def test_points_add_up_to_a_hundred_at_most() -> None:
    """However much speaks for fraud."""
    found = judge(payment(card_country="US"), past(attempts_minute=9, attempts_hour=20, small_hour=9, cards_hour=9))
    assert found.score == 100
    assert len(found.factors) >= 4


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.points >= 40], ids=lambda rule: rule.name)
def test_one_strong_rule_asks_for_a_second_factor_and_does_not_stop(rule: Any) -> None:
    """Two of them do."""
    alone = combined([(rule.points, RulesEngine.weight)])
    assert band_of(alone).decision == "additional_auth"
    assert band_of(combined([(min(100, 2 * rule.points), RulesEngine.weight)])).decision in ("hold", "block")
