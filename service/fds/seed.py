"""Past payments, and what would have been decided about them: from the made-up world, whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .engines import ModelEngine
from .history import MemoryHistory
from .judgement import Decision, band_of, combined
from .tables import FraudDecision
from .training.quality import points_of
from .training.world import World
from .transaction import Transaction

SEED, DAYS = 48, 90
LABELLED, LABELLED_AFTER = 0.92, timedelta(days=2)
"""The share of payments of which it was told what they were, and when: bank statements take a while."""


class Judged(NamedTuple):
    """A payment, whether it was a fraud, and what was decided about it."""

    transaction: Transaction
    fraud: bool
    score: int
    decision: Decision


def judged(
    people: int, count: int, until: float, worth: Callable[[int], int], tell: Callable[[int], None]
) -> list[Judged]:
    """Return `count` payments of about the last 90 days, always the same ones.

    Args:
        people: users there are at the start; stories add a few.
        count: of payments.
        until: seconds since the epoch of the last one.
        worth: turns the amount that somebody means to spend into what is paid.
        tell: is told how many there are, after each.
    """
    world = World(SEED, people, start=0.0, rate=max(1.0, count) / (DAYS * 24), prefix="past-")
    payments = list(world.payments(count))
    later = until - payments[-1].transaction.at if payments else 0.0
    history, model, found = MemoryHistory(), ModelEngine(), []
    for told in payments:
        payment = told.transaction
        payment = replace(payment, at=payment.at + later, amount=worth(payment.amount))
        score = combined(points_of(payment, history.look_now(payment), model, world.threats).values())
        decision = band_of(score).decision
        if decision == "approve":
            history.approve_now(payment)
        found.append(Judged(payment, told.fraud, score, decision))
        tell(len(found))
    return found


async def add_decisions(connection: AsyncConnection, decisions: Iterable[tuple[str, str, Judged]]) -> int:
    """Add decisions, each with the ids of transaction and user in this service; return how many are labelled."""
    chance, rows = Random(SEED), []  # noqa: S311  # chance, not secrecy
    now = datetime.now(UTC)
    for transaction_id, user_id, past in decisions:
        decided = datetime.fromtimestamp(past.transaction.at, UTC)
        told = chance.random() < LABELLED and decided + LABELLED_AFTER < now
        rows.append(
            {
                "transaction_id": transaction_id,
                "user_id": user_id,
                "amount": past.transaction.amount,
                "score": past.score,
                "decision": past.decision,
                "decided_at": decided,
                "fraud": past.fraud if told else None,
                "labelled_at": decided + LABELLED_AFTER if told else None,
            }
        )
    await _insert(connection, rows)
    return sum(row["fraud"] is not None for row in rows)


async def _insert(connection: AsyncConnection, rows: Sequence[dict[str, object]], batch: int = 500) -> None:
    for start in range(0, len(rows), batch):
        await connection.execute(insert(FraudDecision), rows[start : start + batch])
