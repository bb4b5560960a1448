"""Keeping decisions, and labelling them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.database import make_engine
from service.database_access import DatabaseUnavailable
from service.fds.decisions import Decisions
from service.fds.errors import AlreadyLabelled, DecisionLost, UnknownDecision
from service.fds.evaluation import Evaluation
from service.fds.judgement import Decision
from service.fds.tables import FraudDecision
from service.migrations import upgrade
from tests.fds.payments import payment


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database with the tables."""
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
    await upgrade(engine)
    yield engine
    await engine.dispose()


def decided(transaction_id: str = "t1", decision: Decision = "block", score: int = 90) -> Evaluation:
    """Return a decision."""
    return Evaluation(payment(transaction_id=transaction_id), score, "blocked", decision, (), 0.001)


def nothing_lost(problem: DecisionLost) -> None:
    """Fail: nothing may be lost here."""
    raise AssertionError(problem.detail)


async def kept(engine: AsyncEngine) -> list[tuple[str, int, bool | None]]:
    """Return what is in the database."""
    async with engine.connect() as connection:
        query = select(FraudDecision.transaction_id, FraudDecision.score, FraudDecision.fraud)
        return [tuple(row) for row in (await connection.execute(query.order_by(FraudDecision.transaction_id))).all()]


async def empty(decisions: Decisions) -> None:
    """Wait until nothing waits."""
    while decisions._waiting:  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(0.01)


async def test_a_decision_that_another_worker_is_about_to_write_can_be_labelled(engine: AsyncEngine) -> None:
    """Who asks there at once is made to wait a moment."""
    decisions, other = Decisions(engine, nothing_lost), Decisions(engine, nothing_lost)
    async with decisions.watching(), other.watching():
        decisions.keep(decided("t1"))
        assert await other.label("t1", fraud=True) is True


async def test_a_decision_behind_many_others_can_be_labelled(engine: AsyncEngine) -> None:
    """As after the database was away: older ones are written first."""
    decisions = Decisions(engine, nothing_lost)
    for number in range(1200):
        decisions.keep(decided(f"t{number}"))
    assert await decisions.label("t1199", fraud=True) is True


async def test_decisions_are_written_soon(engine: AsyncEngine) -> None:
    """Many in one go, and without anybody asking."""
    decisions = Decisions(engine, nothing_lost)
    async with decisions.watching(), asyncio.timeout(10):
        for number in range(1200):
            decisions.keep(decided(f"t{number}"))
        await empty(decisions)
    assert len(await kept(engine)) == 1200


async def test_what_waits_at_the_end_is_written(engine: AsyncEngine) -> None:
    """Shutting down loses no decision."""
    decisions = Decisions(engine, nothing_lost)
    async with decisions.watching():
        decisions.keep(decided())
    assert await kept(engine) == [("t1", 90, None)]


@pytest.mark.parametrize(("decision", "stopped"), [("approve", False), ("additional_auth", False), ("hold", True)])
async def test_a_label_tells_whether_the_payment_was_stopped(
    engine: AsyncEngine, decision: Decision, stopped: bool
) -> None:
    """Also right after the decision, before it was written."""
    decisions = Decisions(engine, nothing_lost)
    decisions.keep(decided(decision=decision))
    assert await decisions.label("t1", fraud=True) is stopped
    assert (await kept(engine))[0][2] is True


async def test_a_label_counts_once(engine: AsyncEngine) -> None:
    """However many tell it, at the same time too."""
    decisions = Decisions(engine, nothing_lost)
    decisions.keep(decided())
    told = await asyncio.gather(*(decisions.label("t1", fraud=True) for _ in range(8)))
    assert sorted(str(answer) for answer in told) == ["None"] * 7 + ["True"]


async def test_the_opposite_label_is_refused(engine: AsyncEngine) -> None:
    """Counters can't be taken back."""
    decisions = Decisions(engine, nothing_lost)
    decisions.keep(decided())
    await decisions.label("t1", fraud=True)
    with pytest.raises(AlreadyLabelled):
        await decisions.label("t1", fraud=False)


async def test_a_payment_that_was_never_judged_is_unknown(engine: AsyncEngine) -> None:
    """Not an honest one."""
    with pytest.raises(UnknownDecision):
        await Decisions(engine, nothing_lost).label("t9", fraud=True)


async def test_a_label_waits_for_the_database_once(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written is not asked for: whoever waits for the answer would wait twice as long."""
    used = 0

    @asynccontextmanager
    async def away() -> AsyncIterator[None]:
        nonlocal used
        used += 1
        raise DatabaseUnavailable
        yield

    decisions = Decisions(engine, nothing_lost)
    monkeypatch.setattr(decisions, "_database", SimpleNamespace(transaction=away))
    decisions.keep(decided())
    with pytest.raises(DatabaseUnavailable):
        await decisions.label("t1", fraud=True)
    assert used == 1


async def test_the_newest_decision_about_a_payment_counts(engine: AsyncEngine) -> None:
    """Who asks again has not got the first; a labelled one stays."""
    decisions = Decisions(engine, nothing_lost)
    decisions.keep(decided(score=90))
    await decisions._write()
    decisions.keep(decided(score=10, decision="approve"))
    assert await decisions.label("t1", fraud=True) is False
    decisions.keep(decided(score=95))
    await decisions._write()
    assert await kept(engine) == [("t1", 10, True)]


async def test_a_database_that_comes_back_gets_what_waited(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost in between."""
    monkeypatch.setattr("service.fds.decisions.RETRY", 0.01)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE fraud_decisions RENAME TO away"))
    decisions = Decisions(engine, nothing_lost)
    async with decisions.watching(), asyncio.timeout(10):
        decisions.keep(decided())
        await asyncio.sleep(0.2)
        assert decisions._waiting
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE away RENAME TO fraud_decisions"))
        await empty(decisions)
    assert len(await kept(engine)) == 1


async def test_decisions_beyond_the_limit_are_reported(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded while the database is away."""
    monkeypatch.setattr("service.fds.decisions.MAX_WAITING", 2)
    lost: list[DecisionLost] = []
    decisions = Decisions(engine, lost.append)
    for number in (1, 2, 3, 1):
        decisions.keep(decided(f"t{number}"))
    assert (len(lost), list(decisions._waiting)) == (1, ["t1", "t2"])


async def test_what_can_not_be_written_at_the_end_is_reported(engine: AsyncEngine) -> None:
    """The service ends all the same."""
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE fraud_decisions"))
    lost: list[DecisionLost] = []
    decisions = Decisions(engine, lost.append)
    async with decisions.watching():
        decisions.keep(decided("t1"))
        decisions.keep(decided("t2"))
    assert len(lost) == 2
