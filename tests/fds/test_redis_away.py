"""Judging payments while Redis comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from service.app import create_app
from service.fds.threat_lists import RedisThreats, Threat
from service.settings import Settings
from tests.asgi import request, start
from tests.redis_server import RedisServer, redis_server

from .test_api import evaluate

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis server."""
    with redis_server() as server:
        yield server


@pytest.fixture
async def app(server: RedisServer, tmp_path: Path) -> AsyncIterator[FastAPI]:
    """The whole service with Redis, in which a device is listed."""
    async with Redis.from_url(server.url) as redis:
        await redis.flushall()
        await RedisThreats(redis).replace({"device:d9": Threat("fraud_ring", 95)})
    app = create_app(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db", redis_url=server.url))
    stop = await start(app)
    yield app
    await stop()


async def readiness(app: FastAPI) -> tuple[int, dict[str, Any]]:
    """Return the status of the probe and what it says of Redis, asked anew."""
    await asyncio.sleep(1.1)  # an answer is kept for a second
    answer = await request(app, "/health/ready")
    return answer.status, answer.json()["checks"]["redis"]


async def test_replicas_share_history_and_list(app: FastAPI, server: RedisServer, tmp_path: Path) -> None:
    """What one has seen, another knows."""
    other = create_app(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db", redis_url=server.url))
    stop = await start(other)
    for number in range(4):
        await evaluate(app, f"t{number}")
    found = (await evaluate(other, "t9")).json()
    assert "velocity_minute" in found["factors"]
    assert (await evaluate(other, "t10", device="d9", user_id="u9")).json()["decision"] == "block"
    await stop()


async def test_a_hanging_redis_costs_the_list_and_not_the_decision(app: FastAPI, server: RedisServer) -> None:
    """The rules go on with what this process saw; readiness is degraded and still 200; then all comes back."""
    for number in range(4):
        await evaluate(app, f"t{number}")
    container = server.container.get_wrapped_container()
    container.pause()
    try:
        found = (await evaluate(app, "t9", device="d9")).json()
        assert found["missing"] == ["threats"]
        assert "velocity_minute" in found["factors"]
        assert found["duration_ms"] < 300
        status, check = await readiness(app)
        assert (status, check["status"]) == (200, "degraded")
        for number in range(5):
            await evaluate(app, f"p{number}", user_id=f"p{number}")
        exposed = (await request(app, "/metrics")).text
        assert 'circuit_breaker_state{peer="redis",state="open"} 1.0' in exposed
        assert 'dependency_up{dependency="redis"} 0.0' in exposed
    finally:
        container.unpause()
    assert (await readiness(app))[1]["status"] == "ok"
    for _ in range(20):
        found = (await evaluate(app, "t20", device="d9", user_id="u20")).json()
        if found["decision"] == "block":
            break
        await asyncio.sleep(0.5)
    assert found["decision"] == "block"


async def test_a_killed_redis_is_used_again_when_it_is_back(app: FastAPI, server: RedisServer) -> None:
    """Without a restart of the service."""
    assert (await evaluate(app, "t1", device="d9")).json()["decision"] == "block"
    container = server.container.get_wrapped_container()
    container.kill()
    try:
        found = (await evaluate(app, "t2", device="d9")).json()
        assert found["decision"] == "block"  # the answer of a minute ago still holds
        assert (await evaluate(app, "t3", device="d8", card="c8")).json()["missing"] == ["threats"]
    finally:
        container.start()
    for _ in range(40):
        found = (await evaluate(app, "t4", device="d8", card="c8")).json()
        if not found["missing"]:
            break
        await asyncio.sleep(0.25)
    assert found["missing"] == []
