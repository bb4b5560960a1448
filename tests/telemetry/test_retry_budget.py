"""How many retries there may be."""

from __future__ import annotations

from service.telemetry.retry_budget import RetryBudget


def test_retries_are_a_tenth_of_the_calls_in_the_long_run() -> None:
    """However many fail."""
    budget = RetryBudget()
    spent = 0
    for _ in range(1000):
        budget.earn()
        spent += budget.spend()
    assert 100 <= spent <= 110


def test_no_more_is_saved_up_than_ten() -> None:
    """A quiet night is no reason for a stampede in the morning."""
    budget = RetryBudget()
    for _ in range(1000):
        budget.earn()
    assert sum(budget.spend() for _ in range(50)) == 10
