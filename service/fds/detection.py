"""Fraud detection in one object: judges payments and learns what they were, wherever the questions come from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from .confusion import Confusion
from .decisions import Decisions
from .errors import EngineFailed, EngineLate
from .evaluation import Evaluation, Evaluator
from .history import History
from .sentry import capture_fds_exception, capture_fds_performance_issue
from .transaction import Transaction


class FraudDetection:
    """Puts evaluation, history, decisions and confusion matrix together.

    Args:
        evaluator: judges.
        history: is told of payments that go through.
        decisions: keeps what was decided.
        confusion: counts how right it was; None counts nothing.
        record: counts an error that nobody is answered with.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        history: History,
        decisions: Decisions,
        confusion: Confusion | None,
        record: Callable[[BaseException], None],
    ) -> None:
        self._evaluator = evaluator
        self._history = history
        self._decisions = decisions
        self._confusion = confusion
        self._record = record
        self._tasks: set[asyncio.Task[None]] = set()

    async def evaluate(self, transaction: Transaction) -> Evaluation:
        """Return the decision about a payment."""
        evaluation = await self._evaluator.evaluate(transaction)
        self._decisions.keep(evaluation)
        if evaluation.decision == "approve":  # a second factor may never come, and nobody tells when it does
            task = asyncio.create_task(self._history.approve(transaction))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if evaluation.missing:
            self._tell(evaluation)
        return evaluation

    async def label(self, transaction_id: str, *, fraud: bool) -> bool:
        """Note what a payment was, and tell whether this was news.

        Raises:
            UnknownDecision: nothing was decided about it.
            AlreadyLabelled: the opposite was noted before.
        """
        stopped = await self._decisions.label(transaction_id, fraud=fraud)
        if stopped is None:
            return False
        if self._confusion is not None:
            self._confusion.add(fraud=fraud, stopped=stopped)
        return True

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Write decisions inside the block."""
        async with self._decisions.watching():
            yield
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _tell(self, evaluation: Evaluation) -> None:
        """Report the engines without whom it was decided."""
        transaction_id = evaluation.transaction.transaction_id
        for answer in evaluation.answers:
            if answer.state == "failed" and answer.problem is not None:
                self._record(EngineFailed(detail={"engine": answer.engine}))
                capture_fds_exception(answer.problem, transaction_id, evaluation.score, answer.engine)
            elif answer.state == "late":
                self._record(EngineLate(detail={"engine": answer.engine}))
                limit_ms = answer.limit * 1000
                capture_fds_performance_issue(answer.seconds * 1000, limit_ms, transaction_id, answer.engine)
