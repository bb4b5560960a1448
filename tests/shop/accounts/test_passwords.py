"""Hashing passwords."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from service.shop.accounts.passwords import Passwords


@pytest.fixture
def hasher() -> Iterator[Passwords]:
    """One that hashes as in production."""
    made = Passwords(19_456)
    yield made
    made.close()


async def test_a_hash_belongs_to_its_password(hasher: Passwords) -> None:
    """And to no other."""
    kept = await hasher.hashed("correct horse battery")
    assert await hasher.match(kept, "correct horse battery")
    assert not await hasher.match(kept, "correct horse batterz")


async def test_hashes_are_as_strong_as_owasp_asks(hasher: Passwords) -> None:
    """argon2id with 19 MiB and two passes, and with salt."""
    kept, other = await hasher.hashed("x"), await hasher.hashed("x")
    found = extract_parameters(kept)
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 19_456, 2, 1)
    assert kept != other


@pytest.mark.parametrize(
    "kept",
    [
        PasswordHasher(time_cost=1, memory_cost=19_456, parallelism=1).hash("right"),
        PasswordHasher(time_cost=2, memory_cost=8_192, parallelism=1).hash("right"),
        PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.I).hash("right"),
        "$2b$12$C6UzMDM.H6dfI/f/IKcEeO7ZlO1e1r5qf2o8lZ4kq0bY3lqkq2d6S",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "right",
        "",
    ],
    ids=["one pass", "little memory", "argon2i", "bcrypt", "md5", "plain", "nothing"],
)
async def test_a_hash_that_is_weaker_is_refused(hasher: Passwords, kept: str) -> None:
    """Whoever put it into the database."""
    assert not await hasher.match(kept, "right")


async def test_nobodys_password_is_never_right(hasher: Passwords) -> None:
    """Not even the one that is hashed in its place so that time tells nothing."""
    assert not await hasher.match(None, "nobody's")


async def test_hashing_leaves_the_event_loop_alone(hasher: Passwords) -> None:
    """Others go on in the meantime."""
    hashing = asyncio.create_task(hasher.hashed("x"))
    turns = 0
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 2
