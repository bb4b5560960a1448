"""The list in a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.fds.threat_lists import RedisThreats, Threat
from service.fds.threat_lists.redis import BATCH, KEY
from tests.redis_server import redis_server

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Redis server."""
    with redis_server() as server:
        yield server.url


@pytest.fixture
async def redis(address: str) -> AsyncIterator[Redis]:
    """A client of an empty one."""
    async with Redis.from_url(address) as redis:
        await redis.flushall()
        yield redis


async def test_a_new_list_takes_the_place_of_the_old(redis: Redis) -> None:
    """All of it, also when it is long."""
    threats = RedisThreats(redis)
    await threats.replace({"device:old": Threat("botnet", 1)})
    await threats.replace({f"device:{number}": Threat("fraud_ring", number % 101) for number in range(BATCH + 1)})
    assert await threats.find(["device:old", "device:7", f"device:{BATCH}"]) == [
        None,
        Threat("fraud_ring", 7),
        Threat("fraud_ring", BATCH % 101),
    ]


async def test_an_empty_list_lists_nothing(redis: Redis) -> None:
    """And leaves nothing behind."""
    threats = RedisThreats(redis)
    await threats.replace({"device:old": Threat("botnet", 1)})
    await threats.replace({})
    assert await threats.find(["device:old"]) == [None]
    assert await redis.keys() == []


async def test_an_entry_that_is_not_understood_is_not_listed(redis: Redis) -> None:
    """Another version may have written it."""
    await redis.hset(KEY, mapping={"device:a": "worse 3", "device:b": "botnet", "device:c": b"\xff"})
    assert await RedisThreats(redis).find(["device:a", "device:b", "device:c"]) == [None, None, None]


async def test_without_redis_the_caller_knows() -> None:
    """Nobody may take silence for a clean record."""
    async with Redis(host="127.0.0.1", port=9) as redis:
        with pytest.raises(RedisError):
            await RedisThreats(redis).find(["device:a"])
