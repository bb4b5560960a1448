"""Queries and connections, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from math import inf
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry
from sqlalchemy import StaticPool, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from service.telemetry import instrument_database
from service.telemetry.database import MAX_TABLES, _Counted
from service.telemetry.statements import Statement
from service.telemetry.tracing import get_tracer

from .tracing.conftest import Traced, traced

__all__ = ["traced"]


@pytest.fixture
def registry() -> CollectorRegistry:
    """Where the metrics are."""
    return CollectorRegistry()


@pytest.fixture
async def engine(tmp_path: Path, registry: CollectorRegistry, traced: Traced) -> AsyncIterator[AsyncEngine]:
    """A database with one table."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/x.db", pool_size=3, max_overflow=2)
    instrument_database(engine, registry, traced.tracing.child_spans())
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE products (id INTEGER, name TEXT)"))
    yield engine
    await engine.dispose()


def of(registry: CollectorRegistry, name: str, operation: str, table: str) -> float:
    """Return one sample."""
    return registry.get_sample_value(name, {"operation": operation, "table": table}) or 0


async def test_queries_are_counted_and_timed(engine: AsyncEngine, registry: CollectorRegistry) -> None:
    """By what they do and where."""
    async with engine.begin() as connection:
        for number in range(3):
            await connection.execute(text("INSERT INTO products VALUES (:id, 'x')"), {"id": number})
        await connection.execute(text("SELECT * FROM products"))
    assert of(registry, "db_queries_total", "INSERT", "products") == 3
    assert of(registry, "db_query_duration_seconds_count", "SELECT", "products") == 1
    assert 0 < of(registry, "db_query_duration_seconds_sum", "SELECT", "products") < 1


async def test_a_failed_query_is_counted_once(engine: AsyncEngine, registry: CollectorRegistry) -> None:
    """It took its time, too."""
    async with engine.connect() as connection:
        with pytest.raises(OperationalError):
            await connection.execute(text("SELECT * FROM nowhere"))
    assert of(registry, "db_queries_total", "SELECT", "nowhere") == 1


async def test_connections_in_use_are_shown(engine: AsyncEngine, registry: CollectorRegistry) -> None:
    """And how many there may be."""
    show = registry.get_sample_value
    assert (show("db_connections_active"), show("db_connections_max")) == (0, 5)
    async with engine.connect() as first, engine.connect() as second:
        assert show("db_connections_active") == 2
        await first.invalidate()
        await second.execute(text("SELECT 1"))
    assert show("db_connections_active") == 0
    await engine.dispose()
    async with engine.connect():
        assert show("db_connections_active") == 1
    assert show("db_connections_active") == 0


async def test_a_connection_that_is_taken_out_of_the_pool_is_no_longer_in_use(
    engine: AsyncEngine, registry: CollectorRegistry
) -> None:
    """It never comes back to it."""
    async with engine.connect() as connection:
        taken = await connection.get_raw_connection()
        taken.detach()
        assert registry.get_sample_value("db_connections_active") == 0
    assert registry.get_sample_value("db_connections_active") == 0


@pytest.mark.parametrize(("pool", "most"), [({"max_overflow": -1}, inf), ({"poolclass": StaticPool}, 1)])
def test_a_pool_may_have_no_bound_or_one_connection_for_all(
    tmp_path: Path, registry: CollectorRegistry, pool: dict[str, Any], most: float
) -> None:
    """SQLAlchemy has -1 for the one and no size for the other."""
    instrument_database(create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/x.db", **pool), registry)
    assert registry.get_sample_value("db_connections_max") == most


async def test_tables_are_bounded(engine: AsyncEngine, registry: CollectorRegistry) -> None:
    """A hundred keep their names."""
    async with engine.connect() as connection:
        for number in range(120):
            await connection.execute(text("SELECT 1 FROM products"))
            with pytest.raises(OperationalError):
                await connection.execute(text(f"DELETE FROM t{number}"))  # noqa: S608  # there is no such table
    assert of(registry, "db_queries_total", "SELECT", "products") == 120
    assert of(registry, "db_queries_total", "DELETE", "other") == 120 - (100 - 2)  # products and none have two of them


def test_what_is_kept_of_tables_is_bounded(registry: CollectorRegistry) -> None:
    """Series are looked up once, but not kept by every name that a client makes up."""
    counted = _Counted(registry)
    for number in range(3 * MAX_TABLES):
        counted.add(Statement("SELECT", f"t{number}", ""), 0.1)
    assert len(counted._children) == MAX_TABLES


async def test_a_query_is_a_span_without_its_values(engine: AsyncEngine, traced: Traced) -> None:
    """Below what runs, though SQLAlchemy works in a context of its own."""
    with get_tracer().start_as_current_span("checkout") as parent:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1 FROM products WHERE name = 'hunter2' AND id = :id"), {"id": 4711})
    query, _ = traced.spans()
    assert query.name == "SELECT products"
    assert query.parent == parent.get_span_context()
    assert query.attributes == {
        "db.system.name": "sqlite",
        "db.operation.name": "SELECT",
        "db.collection.name": "products",
        "db.query.text": "SELECT ? FROM products WHERE name = ? AND id = ?",
    }


async def test_a_failed_query_is_a_span_in_error(engine: AsyncEngine, traced: Traced) -> None:
    """With the type of what went wrong."""
    with get_tracer().start_as_current_span("checkout"):
        async with engine.connect() as connection:
            with pytest.raises(OperationalError):
                await connection.execute(text("SELECT 1 FROM nowhere"))
    query, _ = traced.spans()
    assert query.status.status_code is StatusCode.ERROR
    assert (query.attributes or {})["error.type"] == "OperationalError"


async def test_a_query_outside_any_trace_begins_none(engine: AsyncEngine, traced: Traced) -> None:
    """Probes and starts would fill the store."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    assert traced.spans() == []


async def test_queries_side_by_side_are_not_mixed_up(engine: AsyncEngine, traced: Traced) -> None:
    """Each has its own parent."""

    async def work(name: str) -> None:
        with get_tracer().start_as_current_span(name):
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1 FROM products"))

    await asyncio.gather(*(work(str(number)) for number in range(5)))
    spans = traced.spans()
    parents = {span.context.span_id for span in spans if span.name.isdigit() and span.context}
    assert {span.parent.span_id for span in spans if span.parent} == parents


async def test_without_anybody_to_tell_nothing_changes(tmp_path: Path) -> None:
    """Neither metrics nor traces are on."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/y.db")
    instrument_database(engine)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar() == 1
    await engine.dispose()


async def test_a_place_that_could_not_connect_again_was_not_in_use(
    engine: AsyncEngine, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool takes it back without having given it out."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("gone")

    async with engine.connect() as connection:
        await connection.invalidate()
    with monkeypatch.context() as away:
        away.setattr(engine.sync_engine.dialect, "connect", refuse)
        for _ in range(3):
            with pytest.raises(OSError, match="gone"):
                await engine.connect()
    assert registry.get_sample_value("db_connections_active") == 0
    async with engine.connect():
        assert registry.get_sample_value("db_connections_active") == 1
    assert registry.get_sample_value("db_connections_active") == 0
