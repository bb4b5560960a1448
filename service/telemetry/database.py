"""What the database is asked, how long it takes, and how many connections are in use."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Engine, Pool, event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from service.error_metrics.cells import make_counter, make_histogram

from .labels import CardinalityLimiter
from .statements import Statement, describe

if TYPE_CHECKING:
    from .tracing import ChildSpans

MAX_TABLES = 100
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_OUT = "telemetry_out"  # in what a connection's place in the pool remembers, also over a reconnect
_STARTED, _SPAN = "_telemetry_started", "_telemetry_span"  # on SQLAlchemy's object for one execution


def instrument_database(
    engine: AsyncEngine | Engine, registry: CollectorRegistry | None = None, spans: ChildSpans | None = None
) -> None:
    """Count, time and trace the queries of an engine, and show the use of its pool.

    Args:
        engine: before its first connection.
        registry: where `db_queries_total`, `db_query_duration_seconds`, `db_connections_active` and
            `db_connections_max` are registered; None counts nothing.
        spans: makes a span of each query; None makes none.

    Raises:
        ValueError: the registry holds series of these names already.
    """
    engine = engine.sync_engine if isinstance(engine, AsyncEngine) else engine
    queries = _Queries(engine.dialect.name, _Counted(registry) if registry is not None else None, spans)
    event.listen(engine, "before_cursor_execute", queries.begin)
    event.listen(engine, "after_cursor_execute", queries.end)
    event.listen(engine, "handle_error", queries.fail)
    if registry is not None:
        _watch_pool(engine, registry)


class _Counted:
    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("operation", "table")
        self._queries = make_counter("db_queries_total", "Statements that the database was sent.", labels, registry)
        self._durations = make_histogram(
            "db_query_duration_seconds", "Time until the database answered.", labels, BUCKETS, registry
        )
        self._tables = CardinalityLimiter(MAX_TABLES)
        self._children: dict[tuple[str, str], tuple[Any, Any]] = {}

    def add(self, statement: Statement, seconds: float) -> None:
        key = statement.operation, statement.table
        children = self._children.get(key)
        if children is None:
            labels = statement.operation, self._tables(statement.table)
            children = self._queries.labels(*labels), self._durations.labels(*labels)
            if self._tables.knows(statement.table):
                self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)


class _Queries:
    def __init__(self, system: str, counted: _Counted | None, spans: ChildSpans | None) -> None:
        self._system = system
        self._counted = counted
        self._spans = spans

    def begin(self, _conn: Any, _cursor: Any, sql: str, _values: Any, context: Any, _many: bool) -> None:
        setattr(context, _STARTED, perf_counter())
        if self._spans is None:
            return
        statement = describe(sql)
        facts = {
            "db.system.name": self._system,
            "db.operation.name": statement.operation,
            "db.collection.name": statement.table,
            "db.query.text": statement.text,
        }
        setattr(context, _SPAN, self._spans.begin(f"{statement.operation} {statement.table}", facts))

    def end(self, _conn: Any, _cursor: Any, sql: str, _values: Any, context: Any, _many: bool) -> None:
        self._over(sql, context, None)

    def fail(self, failure: Any) -> None:
        if failure.statement is not None:
            self._over(failure.statement, failure.execution_context, failure.original_exception)

    def _over(self, sql: str, context: Any, error: BaseException | None) -> None:
        started: float | None = context.__dict__.pop(_STARTED, None) if context is not None else None
        if started is None:  # not sent at all, or told of already
            return
        if self._counted is not None:
            self._counted.add(describe(sql), perf_counter() - started)
        if self._spans is not None:
            self._spans.end(context.__dict__.pop(_SPAN, None), error)


def _watch_pool(engine: Engine, registry: CollectorRegistry) -> None:
    active = Gauge("db_connections_active", "Connections in use.", registry=registry, multiprocess_mode="livesum")
    most = Gauge(
        "db_connections_max", "Connections that the pool may open.", registry=registry, multiprocess_mode="livesum"
    )
    most.set(_size(engine.pool))

    def out(_connection: Any, record: ConnectionPoolEntry, *_: object) -> None:
        if record.record_info is not None:
            record.record_info[_OUT] = True
        active.inc()

    def back(_connection: Any, record: ConnectionPoolEntry, *_: object) -> None:
        # What could not be connected again comes back without having gone out.
        if record.record_info is not None and record.record_info.pop(_OUT, False):
            active.dec()

    for name, listener in (("checkout", out), ("checkin", back), ("detach", back)):
        event.listen(engine, name, listener)


def _size(pool: Pool) -> float:
    size = getattr(pool, "size", lambda: 1)()  # pools without a size have one connection for all
    overflow = getattr(pool, "_max_overflow", 0)
    return float(size + overflow if overflow >= 0 else "inf")
