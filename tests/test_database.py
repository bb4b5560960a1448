"""Engine and migrations."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.database import make_engine
from service.migrations import head, missing_since, upgrade
from service.probes import checks
from service.telemetry import NotReady
from tests.postgres_server import postgres_server


@pytest.fixture
def engine(tmp_path: Path) -> AsyncEngine:
    """A database that is a new file."""
    return make_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")


async def test_sqlite_is_set_up_for_several_connections(engine: AsyncEngine) -> None:
    """Readers don't wait, and foreign keys are checked."""
    async with engine.connect() as connection:
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
        assert (await connection.execute(text("PRAGMA foreign_keys"))).scalar() == 1
    await engine.dispose()


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite+aiosqlite://host/x", "postgres://x", "mysql+nothing://x", "postgresql+psycopg2://x"]
)
def test_a_bad_url_is_one_line_that_names_the_setting(url: str) -> None:
    """And does not repeat a password."""
    with pytest.raises(ValueError, match=r"^database_url: ") as caught:
        make_engine(url)
    assert "\n" not in str(caught.value)


def test_processes_that_start_together_migrate_once(tmp_path: Path, repository: Path) -> None:
    """SQLite begins no transaction for DDL by itself."""
    command = [sys.executable, "-m", "service", "migrate"]
    environ = {**os.environ, "PYTHONPATH": str(repository)}
    started = [
        subprocess.Popen(
            command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(3)
    ]
    told = [process.communicate(timeout=60)[0] for process in started]
    assert told == [f"database is at revision {head()}\n"] * 3


async def stamp(engine: AsyncEngine, revision: str) -> None:
    """Make the database look like one of another revision."""
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


async def test_a_schema_that_is_older_than_the_code_is_told_from_a_newer_one(engine: AsyncEngine) -> None:
    """During a rollout the database is ahead of the old replicas, which go on."""
    assert await missing_since(engine) == "nothing"
    await upgrade(engine)
    assert await missing_since(engine) is None
    await stamp(engine, "9999")
    assert await missing_since(engine) is None
    await engine.dispose()


async def test_an_old_schema_says_how_to_bring_it_up(engine: AsyncEngine) -> None:
    """Readiness shows the command."""
    found = checks(engine, None, required={"database"})
    assert (found["database"].required, found["schema"].required) == (True, False)
    await found["database"].run()
    with pytest.raises(
        NotReady, match=f"schema is at nothing, this code needs {head()}: run `python -m service migrate`"
    ):
        await found["schema"].run()
    await upgrade(engine)
    await found["schema"].run()
    await engine.dispose()


async def test_a_connection_that_died_at_rest_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes next gets another one, and notices nothing."""
    monkeypatch.setattr("service.database.REST_SECONDS", 0.0)
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.close()
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    await engine.dispose()


@pytest.mark.docker
def test_connections_that_the_server_has_ended_are_replaced_at_once() -> None:
    """Also those that were in use a moment ago: nobody is told that the database is away."""
    with postgres_server() as server:
        assert asyncio.run(_ended_and_asked_again(server.url)) == 1


async def _ended_and_asked_again(url: str) -> int:
    engine, other = make_engine(url), make_engine(url)
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    async with other.connect() as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        await connection.execute(text(ended))
    await asyncio.sleep(0.1)
    async with engine.connect() as connection:
        answer: int = (await connection.execute(text("SELECT 1"))).scalar_one()
    await engine.dispose()
    await other.dispose()
    return answer
