"""Selling while PostgreSQL comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from fastapi import FastAPI

from service.app import create_app
from service.database import make_engine
from service.migrations import upgrade
from service.settings import Settings
from service.shop.seed import seed
from tests.asgi import request, start
from tests.postgres_server import PostgresServer, answering, emptied, postgres_server

from .clients import Buyer, buyer

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server to break."""
    with postgres_server() as server:
        yield server


@pytest.fixture
async def app(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """The whole service on PostgreSQL, with little patience; readiness is asked anew each time."""
    monkeypatch.setattr("service.telemetry.readiness.KEPT", 0.0)
    for name in ("POOL_SECONDS", "CONNECT_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(f"service.database.{name}", 0.5)
    monkeypatch.setattr("service.database.POOL_SIZE", 5)
    await answering(server.url)  # a test before has killed it
    await emptied(server.url)
    engine = make_engine(server.url)
    await upgrade(engine)
    await seed(engine)
    await engine.dispose()
    app = create_app(Settings(database_url=server.url))
    stop = await start(app)
    yield app
    await stop()


@pytest.fixture
async def kim(app: FastAPI) -> Buyer:
    """Somebody who has logged in."""
    return await buyer(app)


async def recovered(kim: Buyer, key: str) -> int:
    """Check out with the same key until it works, and return the id of the order."""
    for _ in range(60):
        result = await kim.check_out((1, 1), key=key)
        if result.status == 201:
            order: int = result.json()["id"]
            return order
        assert result.status in (409, 503), result.text
        await asyncio.sleep(0.25)
    raise AssertionError(result.text)


@contextmanager
def paused(server: PostgresServer) -> Iterator[None]:
    """Let the server hang inside the block."""
    container = server.container.get_wrapped_container()
    container.pause()
    try:
        yield
    finally:
        container.unpause()


@contextmanager
def killed(server: PostgresServer) -> Iterator[None]:
    """Let the server be away inside the block."""
    container = server.container.get_wrapped_container()
    container.kill()
    try:
        yield
    finally:
        container.start()


@pytest.mark.parametrize("broken", [paused, killed])
async def test_a_database_that_is_away_is_a_503_and_comes_back(
    app: FastAPI, kim: Buyer, server: PostgresServer, broken: object
) -> None:
    """Nobody waits long, readiness says no, the error is counted, and nothing has to be restarted."""
    await kim.check_out((1, 1), key="k0")
    with broken(server):  # type: ignore[operator]
        async with asyncio.timeout(10):
            result = await kim.check_out((1, 1), key="k1")
            assert (result.status, result.json()["error_code"], result.headers["retry-after"]) == (503, 501, "1")
            await asyncio.sleep(1.1)  # for so long readiness believes what it knows
            assert (await request(app, "/health/ready")).status == 503
            text = (await request(app, "/metrics")).text
            assert 'fastapi_errors_total{error_code="501",error_domain="SERVER",status_code="503"}' in text
            assert 'dependency_up{dependency="database"} 0.0' in text
            assert 'ecommerce_transactions_total{status="failed"} 1.0' in text
    await recovered(kim, "k1")
    assert await app.state.shop.orders.balance() == {"issuer": 96_000, "sales": -96_000}


async def test_a_server_that_dies_during_checkouts_loses_none_and_charges_none_twice(
    app: FastAPI, kim: Buyer, server: PostgresServer
) -> None:
    """Each is asked for again with its key until it is done."""
    running = [asyncio.create_task(kim.check_out((2, 1), key=f"k{number}", device="")) for number in range(3)]
    await asyncio.sleep(0.02)
    with killed(server):
        await asyncio.gather(*running)
    done = 0
    for number in range(3):
        for _ in range(60):
            result = await kim.check_out((2, 1), key=f"k{number}", device="")
            if result.status in (201, 202):
                done += 1
                break
            await asyncio.sleep(0.25)
    orders = (await kim.ask("GET", "/v1/orders")).json()["orders"]
    assert (done, len(orders)) == (3, 3)
    paid = sum(order["total"] for order in orders if order["status"] == "processing")
    assert (await app.state.shop.orders.balance()).get("issuer", 0) == paid


async def test_with_all_connections_in_use_who_comes_is_told_so(app: FastAPI, kim: Buyer) -> None:
    """Within the time of the pool; when they are free again, all is well."""
    engine = app.state.resources.engine
    taken = [await engine.connect() for _ in range(5)]
    try:
        async with asyncio.timeout(10):
            result = await kim.check_out((1, 1))
        assert (result.status, result.json()["error_code"]) == (503, 501)
        assert "db_connections_active 5.0" in (await request(app, "/metrics")).text
    finally:
        for connection in taken:
            await connection.close()
    assert (await kim.check_out((1, 1))).status == 201


async def test_a_wrong_password_is_a_503_and_is_not_told(app: FastAPI, server: PostgresServer) -> None:
    """Neither the password nor the server's name is in the answer."""
    wrong = create_app(Settings(environment="staging", database_url=server.url.replace("secret", "sesame")))
    stop = await start(wrong)
    result = await request(wrong, "/v1/products")
    assert (result.status, result.json()["error_code"]) == (503, 501)
    assert not any(word in result.text for word in ("sesame", "127.0.0.1", "asyncpg"))
    await stop()
