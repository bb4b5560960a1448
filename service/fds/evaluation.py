"""Judging a payment: the engines side by side, and a decision when the time is up, with whoever has answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, Protocol

from .engines import Engine, Finding
from .history import History, Past
from .judgement import UNSEEN, Band, Decision, Level, band_of, combined
from .transaction import Transaction

BUDGET = 0.100
"""Seconds in which a decision is made, whoever has not answered by then."""

State = Literal["ok", "late", "failed"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one engine: how long it was waited for and might have been, in seconds, and what it found."""

    engine: str
    state: State
    seconds: float
    limit: float
    score: float = 0.0
    factors: tuple[str, ...] = ()
    weight: float = 0.0
    problem: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A decision, and how it came about."""

    transaction: Transaction
    score: int
    level: Level
    decision: Decision
    answers: tuple[Answer, ...]
    seconds: float

    @property
    def factors(self) -> tuple[str, ...]:
        """What speaks for fraud, each once."""
        return tuple(dict.fromkeys(factor for answer in self.answers for factor in answer.factors))

    @property
    def missing(self) -> tuple[str, ...]:
        """The engines without whom it was decided."""
        return tuple(answer.engine for answer in self.answers if answer.state != "ok")


class Watcher(Protocol):
    """Is told what happens, to count it. What it raises is lost."""

    def begun(self) -> None:
        """A payment came."""
        ...

    def ended(self, evaluation: Evaluation | None) -> None:
        """It was judged, or whoever asked has left (None)."""
        ...


class Evaluator:
    """Judges payments.

    Args:
        engines: who looks at them.
        history: what users did before.
        watcher: is told of each evaluation.
        before: is awaited with an engine's name before the engine looks: where faults come in.
        budget: seconds for the whole.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        history: History,
        watcher: Watcher | None = None,
        before: Callable[[str], Awaitable[None]] | None = None,
        budget: float = BUDGET,
    ) -> None:
        self._engines = tuple(engines)
        self._history = history
        self._watcher = watcher
        self._before = before
        self._budget = budget

    async def evaluate(self, transaction: Transaction) -> Evaluation:
        """Return the decision. Engines that fail or are late are left out and named."""
        evaluation = None
        self._tell(lambda watcher: watcher.begun())
        try:
            evaluation = await self._evaluate(transaction)
        finally:
            self._tell(lambda watcher: watcher.ended(evaluation))
        return evaluation

    async def _evaluate(self, transaction: Transaction) -> Evaluation:
        began = perf_counter()
        past = asyncio.ensure_future(self._history.look(transaction))
        past.add_done_callback(_looked_at)
        looks = [asyncio.ensure_future(self._look(engine, transaction, past, began)) for engine in self._engines]
        try:
            await asyncio.wait(looks)
        finally:
            for task in (past, *looks):
                task.cancel()
        answers = tuple(look.result() for look in looks)
        score, band = _decide(answers)
        return Evaluation(transaction, score, band.level, band.decision, answers, perf_counter() - began)

    def _tell(self, what: Callable[[Watcher], None]) -> None:
        if self._watcher is not None:
            with suppress(Exception):  # whoever counts must not cost a decision
                what(self._watcher)

    async def _look(self, engine: Engine, transaction: Transaction, past: asyncio.Future[Past], began: float) -> Answer:
        limit = max(0.0, min(engine.limit, self._budget - (perf_counter() - began)))
        try:
            async with asyncio.timeout(limit):
                if self._before is not None:
                    await self._before(engine.name)
                finding: Finding = await engine.look(transaction, asyncio.shield(past))
        except TimeoutError as problem:
            return Answer(engine.name, "late", perf_counter() - began, limit, problem=problem)
        except Exception as problem:  # noqa: BLE001  # one engine's fault must not cost the decision
            return Answer(engine.name, "failed", perf_counter() - began, limit, problem=problem)
        seconds = perf_counter() - began
        return Answer(engine.name, "ok", seconds, limit, finding.score, finding.factors, engine.weight)


def _decide(answers: Sequence[Answer]) -> tuple[int, Band]:
    heard = [(answer.score, answer.weight) for answer in answers if answer.state == "ok"]
    if not heard:
        return UNSEEN.bound, UNSEEN
    score = combined(heard)
    return score, band_of(score)


def _looked_at(past: asyncio.Future[Past]) -> None:
    """Take note of a failure that nobody may have waited for: asyncio would write it to the log."""
    if not past.cancelled():
        past.exception()
