"""The engine, and what databases differ in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, TypeDecorator, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

CLOSE_SECONDS = 2.0
POOL_SIZE = 10
"""Connections of one process; with twenty the tail of checkouts was longer (docs/benchmarks.md)."""
REST_SECONDS, RESTING = 1.0, "service.resting_since"
POOL_SECONDS, CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 2.0, 5.0


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, also where the database forgets time zones, as SQLite does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Give the moment its time zone back."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def make_engine(url: str) -> AsyncEngine:
    """Return an engine; it connects on first use.

    Raises:
        ValueError: the URL is malformed, its driver is unknown or not asynchronous, or SQLite's folder is missing.
    """
    _check_port(url)
    try:
        engine = create_async_engine(url, **_options_of(url))
    except ModuleNotFoundError as problem:
        raise ValueError(f"database_url: its driver is missing: pip install {problem.name}") from None
    except (SQLAlchemyError, ValueError) as problem:  # the latter from an option that is no number
        raise ValueError(f"database_url: {str(problem).splitlines()[0]}") from None
    event.listen(engine.sync_engine, "checkin", _note_time)
    event.listen(engine.sync_engine, "checkout", partial(_look_after_rest, engine.sync_engine))
    if is_sqlite(engine):
        _check_folder(engine.url.database)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _options_of(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        # One writes at a time: who waits for a connection gets it in turn, who waits for SQLite's lock does not.
        return {} if ":memory:" in url else {"pool_size": 4, "max_overflow": 0}
    # Who can't have a connection, or an answer, is told so before the client gives up.
    limits = {"timeout": CONNECT_SECONDS, "command_timeout": ANSWER_SECONDS} if "+asyncpg" in url else {}
    return {"pool_size": POOL_SIZE, "max_overflow": 0, "pool_timeout": POOL_SECONDS, "connect_args": limits}


def is_sqlite(engine: AsyncEngine) -> bool:
    """Tell whether the database is a file of this process's own."""
    return engine.dialect.name == "sqlite"


async def close_engine(engine: AsyncEngine, seconds: float = CLOSE_SECONDS) -> None:
    """Close the connections; those that have not said goodbye after some seconds are left to the system."""
    closing = asyncio.create_task(engine.dispose())
    await asyncio.wait((closing,), timeout=seconds)
    if not closing.done():
        engine.sync_engine.dispose(close=False)
        closing.cancel()


def _note_time(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[RESTING] = monotonic()


def _look_after_rest(engine: Engine, connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    # `pool_pre_ping` asks the server each time, three times in a checkout. asyncpg mostly knows by itself.
    closed: Callable[[], bool] | None = getattr(record.driver_connection, "is_closed", None)
    if closed is not None and closed():
        raise DisconnectionError("it is closed")
    if monotonic() - record.info.get(RESTING, inf) <= REST_SECONDS:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as problem:
        raise DisconnectionError from problem  # the pool connects anew


def _check_port(url: str) -> None:
    try:
        port = make_url(url).port
    except ArgumentError:  # no URL at all, which is told of when it is used
        return
    except ValueError:
        port = -1
    if port is not None and not 1 <= port <= 65535:
        raise ValueError("database_url: its port is no number in 1-65535, write driver://user:password@host:port/name")


def _check_folder(file: str | None) -> None:
    folder = Path(file or ":memory:").parent
    if not folder.is_dir():
        raise ValueError(f"database_url: there is no folder {folder}, create it")


def _prepare_sqlite(connection: Any, _: object) -> None:
    # Readers don't wait for the writer, writers wait for each other, and foreign keys are checked.
    for pragma in ("journal_mode=WAL", "busy_timeout=15000", "foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
