"""Keeping decisions until somebody tells what the payments were. Writing them never makes a decision wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from service.database_access import Database, DatabaseUnavailable

from .errors import AlreadyLabelled, DecisionLost, UnknownDecision
from .evaluation import Evaluation
from .judgement import STOPPED
from .tables import FraudDecision

MAX_WAITING, BATCH = 10_000, 500
AWAY = (DatabaseUnavailable, SQLAlchemyError, OSError)
LINGER, RETRY = 0.05, 1.0  # seconds: one write serves many decisions; a database that is away is asked again


class Decisions:
    """The decisions in the database, and those on their way there.

    Args:
        engine: the database.
        lost: is told when a decision could not be kept.
    """

    def __init__(self, engine: AsyncEngine, lost: Callable[[DecisionLost], None]) -> None:
        self._database = Database(engine)
        self._lost = lost
        self._waiting: dict[str, dict[str, Any]] = {}
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        dialect: Any = sqlite if engine.dialect.name == "sqlite" else postgresql
        insert = dialect.insert(FraudDecision)
        renewed = {name: insert.excluded[name] for name in ("score", "decision", "decided_at")}
        # Who asks again about the same payment has not got the first answer; what is labelled stays.
        self._insert = insert.on_conflict_do_update(
            index_elements=["transaction_id"], set_=renewed, where=FraudDecision.fraud.is_(None)
        )

    def keep(self, evaluation: Evaluation) -> None:
        """Take a decision, to be written soon."""
        transaction = evaluation.transaction
        if len(self._waiting) >= MAX_WAITING and transaction.transaction_id not in self._waiting:
            self._lost(DecisionLost(detail={"waiting": MAX_WAITING}))
            return
        self._waiting[transaction.transaction_id] = {
            "transaction_id": transaction.transaction_id,
            "user_id": transaction.user_id,
            "amount": transaction.amount,
            "score": evaluation.score,
            "decision": evaluation.decision,
            "decided_at": datetime.fromtimestamp(transaction.at, UTC),
        }
        self._wake.set()

    async def label(self, transaction_id: str, *, fraud: bool) -> bool | None:
        """Note what a payment was; return whether it had been stopped, None if the same had been noted before.

        Raises:
            UnknownDecision: nothing was decided about it.
            AlreadyLabelled: the opposite was noted before.
            DatabaseUnavailable: the database is away.
        """
        while transaction_id in self._waiting:  # older ones are written first, some at a time
            await self._write()
        try:
            return await self._label(transaction_id, fraud=fraud)
        except UnknownDecision:  # perhaps another worker or replica is about to write it
            await asyncio.sleep(4 * LINGER)
            return await self._label(transaction_id, fraud=fraud)

    async def _label(self, transaction_id: str, *, fraud: bool) -> bool | None:
        unlabelled = (
            update(FraudDecision)
            .where(FraudDecision.transaction_id == transaction_id, FraudDecision.fraud.is_(None))
            .values(fraud=fraud, labelled_at=datetime.now(UTC))
            .returning(FraudDecision.decision)
            .execution_options(synchronize_session=False)
        )
        async with self._database() as session, session.begin():
            decision = (await session.execute(unlabelled)).scalar_one_or_none()
            if decision is not None:
                return decision in STOPPED
            known = select(FraudDecision.fraud).where(FraudDecision.transaction_id == transaction_id)
            noted = (await session.execute(known)).one_or_none()
        if noted is None:
            raise UnknownDecision(detail={"transaction_id": transaction_id})
        if noted.fraud != fraud:
            raise AlreadyLabelled(detail={"transaction_id": transaction_id, "fraud": noted.fraud})
        return None

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Write what comes in, inside the block, and the rest at its end."""
        task = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            task.cancel()
            try:
                while self._waiting:
                    await self._write()
            except AWAY:
                for _ in self._waiting:
                    self._lost(DecisionLost(detail={"reason": "the service ends, and the database does not answer"}))

    async def _go_on(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(LINGER)
            self._wake.clear()
            try:
                while self._waiting:
                    await self._write()
            except AWAY:
                await asyncio.sleep(RETRY)
                self._wake.set()

    async def _write(self) -> None:
        async with self._writing:
            rows = [self._waiting[key] for key in list(self._waiting)[:BATCH]]
            if not rows:
                return
            async with self._database.transaction() as connection:
                await connection.execute(self._insert, rows)
            for row in rows:
                if self._waiting.get(row["transaction_id"]) is row:
                    del self._waiting[row["transaction_id"]]
