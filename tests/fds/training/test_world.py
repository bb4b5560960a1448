"""The made-up world."""

from __future__ import annotations

from collections import Counter

from service.fds.training.world import World


def test_the_same_seed_makes_the_same_payments() -> None:
    """Another makes others."""
    assert list(World(1, people=50).payments(500)) == list(World(1, people=50).payments(500))
    assert list(World(1, people=50).payments(500)) != list(World(2, people=50).payments(500))


def test_payments_come_in_the_order_of_time() -> None:
    """Stories overlap."""
    times = [told.transaction.at for told in World(3, people=200).payments(3000)]
    assert times == sorted(times)


def test_every_story_is_told_and_some_are_frauds() -> None:
    """Few, as in life: between two and eight percent."""
    told = list(World(4).payments(20_000))
    stories = Counter(payment.story for payment in told)
    assert len(stories) == 11
    assert 0.02 < sum(payment.fraud for payment in told) / len(told) < 0.08


def test_every_payment_can_be_judged() -> None:
    """It is one that the API accepts."""
    from service.fds.schemas import EvaluationRequest

    for told in World(5, people=100).payments(2000):
        facts = {name: getattr(told.transaction, name) for name in EvaluationRequest.model_fields}
        EvaluationRequest(**facts)


def test_some_of_the_stolen_cards_have_been_reported() -> None:
    """About a fifth, and no honest one."""
    world = World(6)
    truth = {told.transaction.card: told.fraud for told in world.payments(20_000)}
    listed = [key.removeprefix("card:") for key in world.threats if key.startswith("card:")]
    assert all(truth.get(card, True) for card in listed)
    assert 0.02 < len(listed) / sum(truth.values()) < 0.3
