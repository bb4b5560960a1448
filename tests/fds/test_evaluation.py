"""Judging payments with engines that answer, fail and are late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from service.fds.engines import Finding, ModelEngine, RulesEngine
from service.fds.evaluation import Evaluation, Evaluator
from service.fds.history import MemoryHistory, Past
from service.fds.judgement import UNSEEN
from service.fds.transaction import Transaction
from tests.fds.payments import payment


class Engine:
    """An engine that does as it is told."""

    weight = 1.0

    def __init__(self, name: str, score: float = 0.0, seconds: float = 0.0, limit: float = 5.0) -> None:
        self.name, self.limit = name, limit
        self.factors = (f"{name}_factor",)
        self._score, self._seconds = score, seconds

    async def look(self, transaction: Transaction, past: Awaitable[Past]) -> Finding:
        """Wait, and find."""
        await past
        await asyncio.sleep(self._seconds)
        if self._score < 0:
            raise ArithmeticError("broken")
        return Finding(self._score, self.factors if self._score else ())


class Slow(MemoryHistory):
    """A history that takes its time."""

    async def look(self, transaction: Transaction) -> Past:
        """Never return."""
        await asyncio.sleep(3600)
        raise AssertionError


class Broken(MemoryHistory):
    """A history that is broken."""

    async def look(self, transaction: Transaction) -> Past:
        """Fail."""
        raise ConnectionError("gone")


async def judge(*engines: Engine, budget: float = 5.0) -> Evaluation:
    """Judge a payment."""
    return await Evaluator(engines, MemoryHistory(), budget=budget).evaluate(payment())


async def test_scores_come_together_as_a_noisy_or() -> None:
    """One engine that sees nothing takes nothing away."""
    found = await judge(Engine("a", 50), Engine("b", 40), Engine("c", 0))
    assert (found.score, found.level, found.decision) == (70, "high", "hold")
    assert found.factors == ("a_factor", "b_factor")
    assert found.missing == ()


async def test_engines_run_side_by_side() -> None:
    """All together take as long as the slowest."""
    running = 0
    most = 0

    async def count(_: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    await Evaluator([Engine("a"), Engine("b"), Engine("c")], MemoryHistory(), before=count).evaluate(payment())
    assert most == 3


async def test_a_late_engine_is_cut_off_and_named() -> None:
    """The decision is made without it."""
    found = await judge(Engine("a", 70), Engine("b", 100, seconds=3600, limit=0.01))
    assert (found.score, found.missing) == (70, ("b",))
    assert [answer.state for answer in found.answers] == ["ok", "late"]


async def test_the_budget_is_above_every_limit() -> None:
    """An engine that may take longer than the whole may not."""
    found = await judge(Engine("a", seconds=3600, limit=3600), budget=0.05)
    assert found.missing == ("a",)
    assert found.seconds < 2


async def test_a_failing_engine_is_left_out_and_named() -> None:
    """With what was wrong."""
    found = await judge(Engine("a", 70), Engine("b", -1))
    assert (found.score, found.missing) == (70, ("b",))
    assert isinstance(found.answers[1].problem, ArithmeticError)


async def test_a_payment_that_nobody_looked_at_is_held() -> None:
    """It is neither approved nor blocked by machines that are away."""
    found = await judge(Engine("a", -1), Engine("b", seconds=3600, limit=0.01))
    assert (found.score, found.level, found.decision) == (UNSEEN.bound, "high", "hold")


@pytest.mark.parametrize("history", [Slow(), Broken()])
async def test_without_history_the_engines_that_need_it_are_missing(history: MemoryHistory) -> None:
    """The others decide."""

    class NeedsNone(Engine):
        async def look(self, transaction: Transaction, past: Awaitable[Past]) -> Finding:
            return Finding(70, self.factors)

    engines = (RulesEngine(), ModelEngine(), NeedsNone("threats"))
    found = await Evaluator(engines, history, budget=0.1).evaluate(payment())
    assert (found.score, found.missing) == (70, ("rules", "model"))


async def test_who_asks_and_leaves_leaves_no_work_behind() -> None:
    """Engines are not left running."""
    evaluator = Evaluator([Engine("a", seconds=3600, limit=3600)], MemoryHistory(), budget=3600)
    asking = asyncio.create_task(evaluator.evaluate(payment()))
    await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_who_counts_costs_no_decision() -> None:
    """A watcher that is broken is not heard of."""

    class BrokenWatcher:
        def begun(self) -> None:
            raise ArithmeticError

        def ended(self, evaluation: Evaluation | None) -> None:
            raise ArithmeticError

    found = await Evaluator([Engine("a", 40)], MemoryHistory(), BrokenWatcher()).evaluate(payment())
    assert found.decision == "additional_auth"
