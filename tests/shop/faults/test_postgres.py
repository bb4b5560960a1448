"""Selling while PostgreSQL is slow, full, shut or restarted; hung and killed it is in `tests/shop`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from testcontainers.core.container import DockerContainer

from service.app import create_app
from service.database import make_engine
from service.migrations import upgrade
from service.settings import Settings
from service.shop.seed import seed
from tests.asgi import request, start
from tests.postgres_server import emptied, postgres_server
from tests.shop.clients import DECLINED_CARD, GOOD_CARD, PARTNER, Buyer, buyer
from tests.tcp_proxy import proxy_to

from . import containers
from .books import audit
from .metrics import moved, scraped
from .postgres import Servers, sql, two_seconds_late, with_all_connections_taken, with_another_password

pytestmark = pytest.mark.docker
UNAVAILABLE = 'fastapi_errors_total{error_code="501",error_domain="SERVER",status_code="503"}'
UP = 'dependency_up{dependency="database"}'
PAYMENT = {
    "user_id": "u1",
    "amount": 30_000,
    "card": "c1",
    "device": "d1",
    "ip": "198.18.0.1",
    "country": "KR",
    "card_country": "KR",
    "account_age_days": 365,
}


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """A server to break, and a network to slow down."""
    with postgres_server() as server:
        port = int(server.url.rpartition(":")[2].partition("/")[0])
        with proxy_to(port) as network:
            yield Servers(server, network)


@pytest.fixture
async def patient(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """The whole service with the time limits that it has in production; readiness is asked anew each time."""
    monkeypatch.setattr("service.telemetry.readiness.KEPT", 0.0)
    async for app in _served(servers):
        yield app


@pytest.fixture
async def app(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """The whole service with little patience."""
    for name in ("POOL_SECONDS", "CONNECT_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(f"service.database.{name}", 0.5)
    monkeypatch.setattr("service.telemetry.readiness.KEPT", 0.0)
    monkeypatch.setattr("service.shop.expiry.INTERVAL", 0.2)
    async for app in _served(servers):
        yield app


async def _served(servers: Servers) -> AsyncIterator[FastAPI]:
    await emptied(servers.postgres.url)
    engine = make_engine(servers.postgres.url)
    await upgrade(engine)
    await seed(engine)
    await engine.dispose()
    app = create_app(Settings(database_url=servers.url, api_keys={"carrier": PARTNER["X-API-Key"]}))
    stop = await start(app)
    yield app
    await stop()


async def recovered(who: Buyer, key: str, device: str = "d1") -> int:
    """Check out with the same key until it works, and return the id of the order."""
    for _ in range(60):
        result = await who.check_out((2, 1), key=key, device=device)
        if result.status in (201, 202):
            order: int = result.json()["id"]
            return order
        assert result.status in (409, 503), result.text
        await asyncio.sleep(0.25)
    raise AssertionError(result.text)


async def ready(app: FastAPI) -> int:
    """Return the status of the probe."""
    return (await request(app, "/health/ready")).status


@pytest.mark.parametrize(
    "fault",
    [two_seconds_late, with_another_password, with_all_connections_taken],
    ids=lambda fault: fault.__name__,
)
async def test_a_database_that_can_not_be_used_is_a_503(
    app: FastAPI, servers: Servers, fault: Callable[[Servers], AbstractAsyncContextManager[None]]
) -> None:
    """Within the time limits and with Retry-After; readiness says no; then all goes on by itself."""
    kim = await buyer(app)
    await kim.check_out((2, 1), key="k0")
    before = await scraped(app)
    async with fault(servers):
        async with asyncio.timeout(10):
            result = await kim.check_out((2, 1), key="k1")
        assert (result.status, result.json()["error_code"], result.headers["retry-after"]) == (503, 501, "1")
        assert await ready(app) == 503
        assert (await moved(app, before))[UNAVAILABLE] == 1
        assert (await scraped(app))[UP] == 0
    order = await recovered(kim, "k1")
    assert await recovered(kim, "k1") == order
    assert await ready(app) == 200
    assert (await scraped(app))[UP] == 1
    assert await audit(app.state.resources.engine) == {"processing": 2}


async def test_a_database_that_takes_a_tenth_of_a_second_is_used(patient: FastAPI, servers: Servers) -> None:
    """An order takes as long as its questions to the database; readiness still says yes."""
    kim = await buyer(patient)
    await kim.check_out((2, 1), key="k0")
    before = await scraped(patient)
    with servers.network.slow(0.1):
        result = await kim.check_out((2, 1), key="k1")
        assert result.status == 201
        assert await ready(patient) == 200
    grown = await moved(patient, before)
    assert grown['ecommerce_transaction_processing_duration_seconds_sum{operation="checkout"}'] > 0.5
    assert UNAVAILABLE not in grown
    assert await audit(patient.state.resources.engine) == {"processing": 2}


@pytest.mark.parametrize("fault", [containers.killed, containers.paused], ids=lambda fault: fault.__name__)
async def test_a_database_that_restarts_during_checkouts_loses_no_order(
    app: FastAPI, servers: Servers, fault: Callable[[DockerContainer], AbstractAsyncContextManager[None]]
) -> None:
    """Nor one that hangs. Sixteen buyers ask again with their keys: each has one order, paid once."""
    buyers = [await buyer(app, f"b{number}") for number in range(16)]
    tries = [who.check_out((2, 1), key=f"k{number}", device=f"d{number}") for number, who in enumerate(buyers)]
    running = [asyncio.create_task(one) for one in tries]
    await asyncio.sleep(0.05)
    async with fault(servers.postgres.container):
        first = [(await answer) for answer in running]
    assert {answer.status for answer in first} <= {201, 202, 503}
    assert 503 in {answer.status for answer in first}
    orders = await asyncio.gather(*(recovered(who, f"k{number}", f"d{number}") for number, who in enumerate(buyers)))
    assert len(set(orders)) == 16
    for who, order in zip(buyers, orders, strict=True):
        (found,) = (await who.ask("GET", "/v1/orders")).json()["orders"]
        assert found["id"] == order
        if found["review"]:
            await who.ask("POST", f"/v1/orders/{order}/review", {"release": True}, **PARTNER)
        if found["status"] == "pending":
            pay = {"card_number": GOOD_CARD, "code": "000000"}
            assert (await who.ask("POST", f"/v1/orders/{order}/pay", pay)).status == 200
    assert await audit(app.state.resources.engine) == {"processing": 16}


@pytest.mark.parametrize("moment", range(4))
async def test_connections_that_are_cut_at_any_moment_charge_nobody_twice(
    app: FastAPI, servers: Servers, moment: int
) -> None:
    """Also where nobody can tell whether what was written is there: the answer to a COMMIT was lost."""
    kim = await buyer(app)
    with servers.network.slow(0.04):
        running = asyncio.create_task(kim.check_out((2, 1), key="k1"))
        await asyncio.sleep(0.05 + moment * 0.15)
        servers.network.cut()
        assert (await running).status in (201, 503)
    order = await recovered(kim, "k1")
    assert [found["id"] for found in (await kim.ask("GET", "/v1/orders")).json()["orders"]] == [order]
    assert await audit(app.state.resources.engine) == {"processing": 1}


async def test_an_answer_that_takes_too_long_in_all_is_given_up(servers: Servers, patient: FastAPI) -> None:
    """Where REQUEST_TIMEOUT_SECONDS says so: each question is within its limit, all of them together are not."""
    limited = create_app(Settings(database_url=servers.url, request_timeout_seconds=1.0))
    stop = await start(limited)
    kim = await buyer(limited)
    with servers.network.slow(0.4):
        result = await kim.check_out((2, 1), key="k1")
        assert (result.status, result.json()["error_code"]) == (504, 598), result.text
    await recovered(kim, "k1")
    assert await audit(limited.state.resources.engine) == {"processing": 1}
    await stop()


async def test_cleaning_up_goes_on_after_the_database_was_away(app: FastAPI, servers: Servers) -> None:
    """An order that nobody pays goes back to stock, however often the database has failed before."""
    kim = await buyer(app)
    order = (await kim.check_out((2, 1), card_number=DECLINED_CARD)).json()["detail"]["order_id"]
    async with two_seconds_late(servers):
        await asyncio.sleep(1.5)
    await sql(servers, f"UPDATE orders SET created_at = now() - interval '1 hour' WHERE id = {order}")  # noqa: S608
    for _ in range(50):
        await asyncio.sleep(0.1)
        found = await kim.ask("GET", f"/v1/orders/{order}")
        if found.status == 200 and found.json()["status"] == "cancelled":
            break
    assert found.json()["outcome"] == "expired"
    assert await audit(app.state.resources.engine) == {"cancelled": 1}


async def test_decisions_are_made_without_the_database_and_kept_for_it(app: FastAPI, servers: Servers) -> None:
    """Only telling what a payment was has to wait; nothing is written twice or lost."""
    async with containers.paused(servers.postgres.container):
        for number in range(3):
            judged = await request(
                app, "/v1/evaluate", "POST", json_body={**PAYMENT, "transaction_id": f"t{number}"}, headers=PARTNER
            )
            assert (judged.status, judged.json()["decision"], judged.json()["missing"]) == (200, "approve", [])
        label = {"transaction_id": "t0", "fraud": True}
        told = await request(app, "/v1/feedback", "POST", json_body=label, headers=PARTNER)
        assert (told.status, told.json()["error_code"]) == (503, 501)
    for _ in range(60):
        await asyncio.sleep(0.1)
        if await kept(app) == 3:
            break
    assert await kept(app) == 3
    told = await request(app, "/v1/feedback", "POST", json_body=label, headers=PARTNER)
    assert told.json()["counted"] is True


async def test_a_row_that_somebody_holds_is_not_waited_for_without_end(app: FastAPI, servers: Servers) -> None:
    """Who wants the same product is told to come back; the others buy, and readiness says yes."""
    kim, lee = await buyer(app), await buyer(app, "lee")
    other = await asyncpg.connect(servers.postgres.url.replace("+asyncpg", ""))
    async with other.transaction():
        await other.execute("SELECT 1 FROM products WHERE id = 2 FOR UPDATE")
        result = await kim.check_out((2, 1), key="k1")
        assert (result.status, result.json()["error_code"]) == (503, 501)
        assert (await lee.check_out((6, 1), device="d2")).status == 201
        assert await ready(app) == 200
    await other.close()
    await recovered(kim, "k1")
    assert await audit(app.state.resources.engine) == {"processing": 2}


async def kept(app: FastAPI) -> int:
    """Return how many decisions are in the database, 0 while it can't be asked."""
    try:
        async with app.state.resources.engine.connect() as connection:
            return int((await connection.execute(text("SELECT count(*) FROM fraud_decisions"))).scalar_one())
    except (SQLAlchemyError, OSError):
        return 0
