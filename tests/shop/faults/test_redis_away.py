"""Selling and judging while Redis comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import NamedTuple
from uuid import uuid4

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from service.app import create_app
from service.redis_pool import ANSWER_SECONDS
from service.settings import Settings
from service.telemetry.circuit_breaker import CircuitBreaker
from tests.asgi import Result, request, start
from tests.fds.test_api import evaluate
from tests.redis_server import RedisServer, redis_server
from tests.shop.clients import PASSWORD, Buyer, buyer
from tests.tcp_proxy import Proxy, proxy_to

from . import containers
from .books import audit
from .metrics import moved, scraped

pytestmark = pytest.mark.docker
OPEN = 'circuit_breaker_state{peer="redis-shop",state="open"}'
UP = 'dependency_up{dependency="redis"}'


class Servers(NamedTuple):
    """Redis, and the network that leads to it."""

    redis: RedisServer
    network: Proxy

    def admin(self) -> Redis:
        """Return a client of the server itself, past the network."""
        return Redis.from_url(self.redis.url)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """A server to break, and a network to slow down."""
    with redis_server() as server, proxy_to(int(server.url.rsplit(":", 1)[1])) as network:
        yield Servers(server, network)


@pytest.fixture
async def app(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """Shop and fraud detection in one process, with this Redis; readiness is asked anew each time."""
    monkeypatch.setattr("service.telemetry.readiness.KEPT", 0.0)
    async with servers.admin() as admin:
        await admin.flushall()
    url = f"redis://127.0.0.1:{servers.network.port}"
    app = create_app(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db", redis_url=url))
    stop = await start(app)
    yield app
    await stop()


@pytest.fixture
def quick_breakers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let breakers try again after a second: in production it is five."""
    assert CircuitBreaker.__init__.__defaults__ == (None, 5, 5.0, monotonic)
    monkeypatch.setattr(CircuitBreaker.__init__, "__defaults__", (None, 5, 1.0, monotonic))


@asynccontextmanager
async def killed(servers: Servers) -> AsyncIterator[None]:
    """Nobody listens."""
    async with containers.killed(servers.redis.container):
        yield


@asynccontextmanager
async def paused(servers: Servers) -> AsyncIterator[None]:
    """It takes questions and answers none."""
    async with containers.paused(servers.redis.container):
        yield


@asynccontextmanager
async def two_seconds_late(servers: Servers) -> AsyncIterator[None]:
    """Its answers come when nobody waits any more."""
    with servers.network.slow(2.0):
        yield


@asynccontextmanager
async def with_all_clients_in_use(servers: Servers) -> AsyncIterator[None]:
    """It turns every new connection away."""
    async with configured(servers, maxclients=1, otherwise=10_000):
        yield


@asynccontextmanager
async def with_another_password(servers: Servers) -> AsyncIterator[None]:
    """The one that the service knows is wrong."""
    async with configured(servers, requirepass="sesame", otherwise=""):
        yield


@asynccontextmanager
async def configured(servers: Servers, otherwise: object, **setting: object) -> AsyncIterator[None]:
    """Set something in the running server, and end the connections that still go by the old value."""
    ((name, value),) = setting.items()
    async with servers.admin() as client, client.client() as admin:  # one connection, which stays
        await admin.config_set(name, value)
        await admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        try:
            yield
        finally:
            await admin.config_set(name, otherwise)


async def readiness(app: FastAPI) -> tuple[int, str]:
    """Return the status of the probe and what it says of Redis."""
    answer = await request(app, "/health/ready")
    return answer.status, answer.json()["checks"]["redis"]["status"]


async def recovered(app: FastAPI, who: Buyer) -> None:
    """Wait until caches answer and no engine is missing, without anybody's doing."""
    for _ in range(60):
        before = await scraped(app)
        await who.ask("GET", "/v1/orders")
        found = (await evaluate(app, uuid4().hex, user_id=uuid4().hex, card=uuid4().hex)).json()
        if not found["missing"] and 'ecommerce_cache_operations_total{operation="get",result="hit"}' in await moved(
            app, before
        ):
            return
        await asyncio.sleep(0.25)
    raise AssertionError("Redis is not used again")


@pytest.mark.usefixtures("quick_breakers")
@pytest.mark.parametrize(
    "fault",
    [killed, paused, two_seconds_late, with_all_clients_in_use, with_another_password],
    ids=lambda fault: fault.__name__,
)
async def test_without_redis_the_shop_goes_on(
    app: FastAPI, servers: Servers, fault: Callable[[Servers], AbstractAsyncContextManager[None]]
) -> None:
    """Logins stay, orders are judged and paid; health says degraded with 200; then Redis is used again by itself."""
    kim = await buyer(app)
    await kim.ask("GET", "/v1/orders")
    before = await scraped(app)
    async with fault(servers):
        async with asyncio.timeout(8):
            lee = await buyer(app, "lee")
            for who in (kim, lee):
                assert (await who.check_out((2, 1), device=uuid4().hex)).status == 201
            assert (await kim.ask("PUT", "/v1/cart/items", {"product_id": 2, "quantity": 1})).status == 200
            assert (await request(app, "/v1/products/2")).json()["id"] == 2
            judged = (await evaluate(app, user_id="u9", card="c9")).json()
        assert (judged["decision"], judged["missing"]) == ("approve", ["threats"])
        assert await readiness(app) == (200, "degraded")
        now = await moved(app, before)
        assert now['ecommerce_cache_operations_total{operation="get",result="error"}'] > 0
        assert now[OPEN] == 1
        assert (await scraped(app))[UP] == 0
    await recovered(app, kim)
    assert await readiness(app) == (200, "ok")
    assert (await scraped(app))[UP] == 1
    await audit(app.state.resources.engine)


async def test_a_hanging_redis_is_not_waited_for_by_each_request(app: FastAPI, servers: Servers) -> None:
    """One of fifty pays the time limit; the others are as quick as without a cache."""
    kim = await buyer(app)
    waits = []
    async with paused(servers):
        for _ in range(50):
            began = monotonic()
            assert (await kim.ask("GET", "/v1/orders")).status == 200
            waits.append(monotonic() - began)
    assert (
        len([wait for wait in waits if wait >= ANSWER_SECONDS]) <= 2
    )  # the second, in case the first is let try again


@pytest.mark.usefixtures("quick_breakers")
async def test_a_redis_that_takes_a_tenth_of_a_second_is_used(app: FastAPI, servers: Servers) -> None:
    """The shop is slower and says so nowhere but in its times; judging does not wait, and names what is missing."""
    kim = await buyer(app)
    await kim.ask("GET", "/v1/orders")
    before = await scraped(app)
    with servers.network.slow(0.1):
        assert (await kim.check_out((2, 1), device=uuid4().hex)).status == 201
        judged = (await evaluate(app, user_id="u9", card="c9")).json()
        assert judged["missing"] == ["threats"]
        assert await readiness(app) == (200, "ok")
    grown = await moved(app, before)
    assert grown['ecommerce_cache_operations_total{operation="get",result="hit"}'] >= 1
    assert not [name for name in grown if name.startswith("ecommerce_cache") and "error" in name]
    assert grown['fds_engine_timeouts_total{engine="threats"}'] >= 1
    await recovered(app, kim)


async def test_more_requests_than_connections_to_redis_wait_for_each_other(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred at once are no reason to think that Redis is away."""
    for name in ("CONNECT_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(f"service.redis_pool.{name}", 10.0)  # a busy machine is none, either
    settings = Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/many.db", redis_url=servers.redis.url)
    stop = await start(app := create_app(settings))
    results = await asyncio.gather(*(request(app, "/v1/products/2") for _ in range(200)))
    assert {result.status for result in results} == {200}
    now = await scraped(app)
    assert now['ecommerce_cache_operations_total{operation="get",result="error"}'] == 0
    assert now[OPEN] == 0
    await stop()


@pytest.mark.usefixtures("quick_breakers")
async def test_a_redis_whose_memory_is_full_is_read_and_not_written(app: FastAPI, servers: Servers) -> None:
    """Orders are paid, failed logins are still counted; what can't be cached is an error in the metric."""
    kim = await buyer(app)
    async with configured(servers, maxmemory=1, otherwise=0):
        before = await scraped(app)
        assert (await kim.check_out((2, 1), device=uuid4().hex)).status == 201
        assert (await request(app, "/v1/products/3")).status == 200
        assert (await moved(app, before))['ecommerce_cache_operations_total{operation="set",result="error"}'] >= 1
        assert [(await guess(app)).status for _ in range(6)] == [401] * 5 + [429]
    await recovered(app, kim)


@pytest.mark.parametrize("kept", [b"", b"\xff", b"[]", b"7", b'{"other": 1}'])
async def test_what_another_version_has_cached_is_asked_for_again(app: FastAPI, servers: Servers, kept: bytes) -> None:
    """And replaced by what this one understands."""
    kim = await buyer(app)
    for _ in range(2):
        assert (await kim.ask("GET", "/v1/products/2")).status == 200
        assert (await kim.ask("GET", "/v1/orders")).status == 200
        async with servers.admin() as admin:
            keys = [key for kind in ("product:*", "session:*") for key in await admin.keys(kind)]
            assert len(keys) == 2
            assert [await admin.set(key, kept) for key in keys] == [True, True]


@pytest.mark.usefixtures("quick_breakers")
async def test_a_redis_that_restarts_during_checkouts_costs_no_order(app: FastAPI, servers: Servers) -> None:
    """Sixteen buyers at once are all paid; nobody has to log in again."""
    buyers = [await buyer(app, f"b{number}") for number in range(16)]
    running = [asyncio.create_task(who.check_out((2, 1), key="k", device=uuid4().hex)) for who in buyers]
    await asyncio.sleep(0.02)
    async with killed(servers):
        results = await asyncio.gather(*running)
    assert [result.status for result in results] == [201] * 16
    for who, result in zip(buyers, results, strict=True):
        assert (await who.check_out((2, 1), key="k", device="d")).json()["id"] == result.json()["id"]
    await recovered(app, buyers[0])
    assert await audit(app.state.resources.engine) == {"processing": 16}


async def test_guessing_is_throttled_without_redis(app: FastAPI, servers: Servers) -> None:
    """Each process counts for itself then, also for accounts that are not there."""
    await buyer(app)
    async with killed(servers):
        for email in ("kim@example.com", "nobody@example.com"):
            answers = [await guess(app, email) for _ in range(6)]
            assert [answer.status for answer in answers] == [401] * 5 + [429]
            assert answers[-1].json()["error_code"] == 203
            assert 0 < int(answers[-1].headers["retry-after"]) <= 900


@pytest.mark.usefixtures("quick_breakers")
async def test_a_shop_starts_without_redis(servers: Servers, tmp_path: Path) -> None:
    """And uses it when it comes."""
    url = f"redis://127.0.0.1:{servers.network.port}"
    async with killed(servers):
        app = create_app(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/late.db", redis_url=url))
        async with asyncio.timeout(5):
            stop = await start(app)
        kim = await buyer(app)
        assert (await kim.check_out((2, 1), device=uuid4().hex)).status == 201
    await recovered(app, kim)
    await stop()


async def guess(app: FastAPI, email: str = "kim@example.com") -> Result:
    """Try to log in with a wrong password."""
    return await request(app, "/v1/sessions", "POST", json_body={"email": email, "password": f"not {PASSWORD}"})
