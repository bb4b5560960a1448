"""A running shop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from service.app import create_app
from service.database import make_engine
from service.migrations import upgrade
from service.settings import Settings
from service.shop.metrics import ShopMetrics
from service.shop.record import count_in
from service.shop.seed import seed
from tests.asgi import start
from tests.postgres_server import emptied, postgres_server
from tests.redis_server import redis_server

from .clients import PARTNER, Buyer, buyer


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with little memory: how slow it is in production is tested where passwords are."""
    monkeypatch.setattr("service.shop.accounts.passwords.Passwords.__init__.__defaults__", (8,))


@pytest.fixture(autouse=True)
def _patient_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the engines that need nobody: a busy machine holds no order here."""
    monkeypatch.setattr("service.fds.engines.rules.RulesEngine.limit", 2.0)
    monkeypatch.setattr("service.fds.engines.model.ModelEngine.limit", 2.0)
    monkeypatch.setattr("service.fds.evaluation.Evaluator.__init__.__defaults__", (None, None, 2.0))


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A PostgreSQL server."""
    with postgres_server() as server:
        yield server.url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.docker)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is: the same tests run on both kinds."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/shop.db"
    url: str = request.getfixturevalue("postgres")
    asyncio.run(emptied(url))
    return url


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[FastAPI]:
    """The whole service on a database of its own, with fault switches and a partner."""
    engine = make_engine(database_url)
    await upgrade(engine)
    await seed(engine)
    await engine.dispose()
    settings = Settings(
        database_url=database_url,
        faults_enabled=True,
        api_keys={"carrier": PARTNER["X-API-Key"]},
    )
    app = create_app(settings)
    stop = await start(app)
    yield app
    await stop()


@pytest.fixture
async def kim(app: FastAPI) -> Buyer:
    """Somebody who has logged in."""
    return await buyer(app)


@pytest.fixture
def registry() -> Iterator[CollectorRegistry]:
    """Where the metrics are."""
    registry = CollectorRegistry()
    count_in(ShopMetrics(registry))
    yield registry
    count_in(None)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Redis server."""
    with redis_server() as server:
        yield server.url
