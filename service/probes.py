"""What readiness asks: the database, and whether its schema is new enough for this code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.migrations import head, missing_since
from service.telemetry import Check, NotReady


def checks(engine: AsyncEngine, required: Collection[str]) -> dict[str, Check]:
    """Return the checks by name; those not in `required` only degrade the service."""

    async def database() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def schema() -> None:
        revision = await missing_since(engine)
        if revision is not None:
            raise NotReady(f"schema is at {revision}, this code needs {head()}: run `python -m service migrate`")

    all_of_them: Mapping[str, Callable[[], Awaitable[None]]] = {"database": database, "schema": schema}
    return {name: Check(run, required=name in required) for name, run in all_of_them.items()}
