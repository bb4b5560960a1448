"""The commands of fraud detection."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from service.redis_pool import make_redis
from service.settings import Settings

from .threat_lists import SAMPLE_LIST, RedisThreats, Threat, read_list

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `threats` to the command line."""
    threats = commands.add_parser("threats", help="replace the list of reported addresses, cards and devices in Redis")
    threats.add_argument("file", type=Path, help="CSV with the columns kind,value,category,score")
    threats.set_defaults(command=_replace_threats)


def seed_threats(redis_url: str) -> int:
    """Put the sample's list into Redis, unless there is one; return how many entries were added.

    Raises:
        ValueError: Redis does not answer.
    """
    entries = read_list(SAMPLE_LIST.read_text("utf-8").splitlines())
    return len(entries) if asyncio.run(replace_list(redis_url, entries, if_empty=True)) else 0


def _replace_threats(options: argparse.Namespace) -> int:
    url = Settings.from_environment().redis_url
    if url is None:
        raise ValueError("redis_url: set REDIS_URL, the list is kept there")
    file: Path = options.file
    try:
        entries = read_list(file.read_text("utf-8-sig").splitlines())
    except (ValueError, OSError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise ValueError(f"{file}: {reason}") from None
    asyncio.run(replace_list(url, entries))
    print(f"{len(entries)} entries are in the list; services know within a minute")  # noqa: T201  # it's a command
    return 0


async def replace_list(url: str, entries: dict[str, Threat], *, if_empty: bool = False) -> bool:
    """Replace the list in Redis, or leave one that is there; return whether it was replaced.

    Raises:
        ValueError: Redis does not answer; the message is one line.
    """
    from redis.exceptions import RedisError  # missing where there is no Redis, which `make_redis` says

    async with make_redis(url) as redis:
        threats = RedisThreats(redis)
        try:
            if if_empty and await threats.is_there():
                return False
            await threats.replace(entries)
        except RedisError as problem:
            raise ValueError(f"redis_url: {str(problem).splitlines()[0]}; the old list stays") from None
    return True
