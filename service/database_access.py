"""Using the database, and saying so plainly when it is away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from service.error_metrics import BaseAppException, register_exception

AWAY_SQLITE = ("locked", "unable to open", "disk")
AWAY_POSTGRES = ("08", "28", "3D", "40", "53", "57")
"""Classes of SQLSTATE (PostgreSQL's appendix A): connection, authorisation, unknown database, a transaction that had to
be rolled back for others, out of resources, operator's intervention."""


@register_exception(code=501, status=503, severity="error", team="platform")
class DatabaseUnavailable(BaseAppException):
    """The database does not answer just now; nothing was changed, try again in a moment."""


class Database:
    """Gives access to the database; in all its blocks a database that is away is a `DatabaseUnavailable`.

    That is: it can't be reached, is too slow, or all its connections are in use.

    Args:
        engine: connects.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._alone = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[AsyncSession]:
        """Return a session for the block."""
        with _saying_so():
            async with self._sessions() as session:
                yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Return a connection in a transaction that the block's end commits.

        For statements that come with many requests: a session costs more (docs/benchmarks.md, throughput).
        """
        with _saying_so():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Return a connection on which each statement stands alone: nobody begins and ends a transaction for it."""
        with _saying_so():
            async with self._alone.connect() as connection:
                yield connection


@contextmanager
def _saying_so() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolExhausted, OSError) as problem:  # drivers raise OSError and TimeoutError as they are
        if not is_away(problem):
            raise
        raise DatabaseUnavailable(headers={"Retry-After": "1"}) from problem


def is_away(problem: Exception) -> bool:
    """Tell whether an error is about the connection, and not about what was asked."""
    if not isinstance(problem, DBAPIError):
        return True
    if "sqlite" in type(problem.orig).__module__:
        return any(part in str(problem.orig) for part in AWAY_SQLITE)
    if problem.connection_invalidated or isinstance(problem, OperationalError | InterfaceError):
        return True
    return str(getattr(problem.orig, "sqlstate", None) or "").startswith(AWAY_POSTGRES)
