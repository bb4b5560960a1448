"""What readiness asks: the database, whether its schema is new enough for this code, and Redis."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.migrations import head, missing_since
from service.telemetry import Check, NotReady

if TYPE_CHECKING:
    from redis.asyncio import Redis


def checks(engine: AsyncEngine, redis: Redis | None, required: Collection[str]) -> dict[str, Check]:
    """Return the checks by name; those not in `required` only degrade the service."""

    async def database() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def schema() -> None:
        revision = await missing_since(engine)
        if revision is not None:
            raise NotReady(f"schema is at {revision}, this code needs {head()}: run `python -m service migrate`")

    all_of_them: dict[str, Callable[[], Awaitable[None]]] = {"database": database, "schema": schema}
    if redis is not None:
        all_of_them["redis"] = lambda: _answers(redis)
    return {name: Check(run, required=name in required) for name, run in all_of_them.items()}


async def _answers(redis: Redis) -> None:
    await redis.ping()
