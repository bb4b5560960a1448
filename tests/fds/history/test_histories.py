"""What users did before: in memory and in Redis the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from service.fds.history import History, MemoryHistory, Past, RedisHistory
from service.fds.history.past import DAY, HOUR
from tests.fds.payments import NOW, payment
from tests.redis_server import redis_server


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Redis server."""
    with redis_server() as server:
        yield server.url


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.docker)])
async def history(request: pytest.FixtureRequest) -> AsyncIterator[History]:
    """An empty history."""
    if request.param == "memory":
        yield MemoryHistory()
        return
    redis = Redis.from_url(request.getfixturevalue("address"))
    await redis.flushall()
    yield RedisHistory(redis)
    await redis.aclose()


async def attempt(history: History, number: int, **changes: Any) -> Past:
    """Look at one more payment."""
    return await history.look(payment(transaction_id=f"t{number}", **changes))


async def test_of_a_stranger_nothing_is_known(history: History) -> None:
    """Not even the device."""
    assert await attempt(history, 1) == Past()


async def test_attempts_are_counted_however_they_ended(history: History) -> None:
    """The others of the last minute and hour, and not the one that is judged."""
    for number, at in enumerate((NOW - HOUR - 1, NOW - HOUR + 1, NOW - 61, NOW - 59, NOW - 1)):
        await attempt(history, number, at=at)
    past = await attempt(history, 9)
    assert (past.attempts_minute, past.attempts_hour) == (2, 4)


async def test_a_question_that_is_asked_again_is_one_attempt(history: History) -> None:
    """Its answer was lost on the way."""
    await attempt(history, 1)
    assert (await attempt(history, 1)).attempts_hour == 0
    assert (await attempt(history, 2)).attempts_hour == 1


async def test_small_amounts_and_cards_are_counted(history: History) -> None:
    """As of somebody who tries out stolen cards."""
    for number in range(3):
        await attempt(history, number, amount=5_000 + number % 2, card=f"c{number}", at=NOW - 10)
    past = await attempt(history, 9, card="c9")
    assert (past.small_hour, past.cards_hour) == (2, 4)


async def test_users_of_a_device_are_counted_for_a_day(history: History) -> None:
    """Each once; a client that names no device shares none."""
    await attempt(history, 1, user_id="old", at=NOW - DAY - 1)
    for number, user in enumerate(("u2", "u3", "u2")):
        await attempt(history, 10 + number, user_id=user, at=NOW - 10)
    assert (await attempt(history, 20)).users_of_device == 3
    await attempt(history, 30, user_id="u2", device="")
    assert (await attempt(history, 31, device="")).users_of_device == 1


async def test_habits_are_those_of_approved_payments(history: History) -> None:
    """Mean and deviation, devices and countries, where and when the newest was."""
    for number, amount in enumerate((10_000, 20_000, 30_000)):
        await history.approve(payment(transaction_id=f"a{number}", amount=amount, at=NOW - 100 + number))
    past = await attempt(history, 1)
    assert (past.payments, past.mean, past.known_device, past.known_country) == (3, 20_000, True, True)
    assert past.deviation == pytest.approx(8_165, rel=0.001)
    assert (past.last_country, past.last_at) == ("KR", NOW - 98)
    elsewhere = await attempt(history, 2, device="d2", country="US")
    assert (elsewhere.known_device, elsewhere.known_country) == (False, False)


async def test_a_payment_that_is_approved_again_counts_once(history: History) -> None:
    """It was judged again, because the first answer was lost."""
    for _ in range(3):
        await history.approve(payment(transaction_id="a1"))
    await history.approve(payment(transaction_id="a2"))
    assert (await attempt(history, 1)).payments == 2


@pytest.mark.docker
async def test_what_is_known_of_approvals_is_bounded(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred of each user in Redis, and in memory so many of all users together."""
    monkeypatch.setattr("service.fds.history.memory.MAX_RECENT", 5)
    memory = MemoryHistory()
    async with Redis.from_url(address) as redis:
        await redis.flushall()
        for number in range(120):
            for history in (RedisHistory(redis), memory):
                await history.approve(payment(transaction_id=f"a{number}", user_id="u1", at=NOW + number))
        assert await redis.zcard("fds:user:u1:approved") == 100
    assert len(memory._approved) == 5


async def test_in_memory_attempts_of_all_users_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is forgotten first, whoever made it; habits stay."""
    monkeypatch.setattr("service.fds.history.memory.MAX_RECENT", 3)
    history = MemoryHistory()
    for number, user in enumerate(("a", "b", "a", "a", "b")):
        await attempt(history, number, user_id=user)
    await history.approve(payment(user_id="a"))
    found = await attempt(history, 9, user_id="a")
    assert (found.attempts_hour, found.payments) == (2, 1)
    assert (await attempt(history, 10, user_id="b")).attempts_hour == 1


async def test_users_do_not_share_their_past(history: History) -> None:
    """What one does says nothing about another."""
    await history.approve(payment())
    await attempt(history, 1)
    assert await attempt(history, 2, user_id="u2", device="d2") == Past()


async def test_of_each_user_only_so_much_is_kept(history: History) -> None:
    """A hundred attempts, twenty devices, twenty users of a device."""
    for number in range(150):
        await attempt(history, number, user_id=f"u{number % 30}" if number < 30 else "u1", at=NOW - 150 + number)
    past = await attempt(history, 999)
    assert (past.attempts_hour, past.users_of_device) == (100, 20)
    for number in range(21):
        await history.approve(payment(transaction_id=f"a{number}", device=f"x{number}", at=NOW + number))
    assert not (await attempt(history, 1000, device="x0")).known_device
    assert (await attempt(history, 1001, device="x1")).known_device


@pytest.mark.docker
async def test_everything_in_redis_expires(address: str) -> None:
    """Attempts and what was approved after an hour, sharers of a device after a day, habits after three months."""
    async with Redis.from_url(address) as redis:
        await redis.flushall()
        history = RedisHistory(redis)
        await history.look(payment())
        await history.approve(payment())
        lives = {key.decode(): await redis.ttl(key) for key in await redis.keys()}
    assert {name.rsplit(":", 1)[1]: round(seconds / HOUR) for name, seconds in lives.items()} == {
        "attempts": 1,
        "approved": 1,
        "d1": 24,
        "profile": 24 * 90,
        "devices": 24 * 90,
        "countries": 24 * 90,
    }


async def test_memory_forgets_who_has_not_come_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size does not grow with the number of users and devices."""
    monkeypatch.setattr("service.fds.history.memory.MAX_USERS", 3)
    monkeypatch.setattr("service.fds.history.memory.MAX_DEVICES", 3)
    history = MemoryHistory()
    for number in range(5):
        await history.approve(payment(transaction_id=f"a{number}", user_id=f"u{number}"))
        await attempt(history, number, user_id=f"u{number}", device=f"x{number}")
    assert (len(history._users), len(history._devices)) == (3, 3)
    assert (await attempt(history, 9, user_id="u4")).payments == 1
    assert (await attempt(history, 9, user_id="u0")).payments == 0
