"""Loading a list of threats."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from service.__main__ import main
from service.fds.install import SAMPLE_LIST
from service.fds.threat_lists import RedisThreats, Threat
from tests.redis_server import redis_server
from tests.servers import free_port


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Redis server."""
    with redis_server() as server:
        yield server.url


async def listed(address: str, key: str) -> Threat | None:
    """Return what Redis knows."""
    async with Redis.from_url(address) as redis:
        return (await RedisThreats(redis).find([key]))[0]


@pytest.mark.docker
def test_a_list_comes_into_redis(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the command says how much."""
    monkeypatch.setenv("REDIS_URL", address)
    assert main(["threats", str(SAMPLE_LIST)]) == 0
    assert capsys.readouterr().out.startswith("4 entries are in the list")
    assert asyncio.run(listed(address, "device:stolen-phone")) == Threat("fraud_ring", 95)


@pytest.mark.docker
def test_a_wrong_list_leaves_the_old_one(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the line is named."""
    monkeypatch.setenv("REDIS_URL", address)
    main(["threats", str(SAMPLE_LIST)])
    wrong = tmp_path / "list.csv"
    wrong.write_text("\ufeffkind,value,category,score\ndevice,d1,evil,95\n")  # as spreadsheets write it
    assert main(["threats", str(wrong)]) == 1
    assert f"{wrong}: line 2: category: is 'evil'" in capsys.readouterr().err
    assert asyncio.run(listed(address, "device:stolen-phone")) is not None


def test_without_redis_it_says_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    """In one line."""
    assert main(["threats", str(SAMPLE_LIST)]) == 1
    assert capsys.readouterr().err == "service: redis_url: set REDIS_URL, the list is kept there\n"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://127.0.0.1:{port}", "redis_url: Error"),
        ("http://127.0.0.1", "redis_url: not a Redis URL"),
        ("redis://127.0.0.1:x", "redis_url: "),
        ("redis://127.0.0.1:{port}?mood=good", "redis_url: "),
    ],
)
def test_a_redis_that_is_not_there_is_one_line(
    url: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback."""
    monkeypatch.setenv("REDIS_URL", url.format(port=free_port()))
    assert main(["threats", str(SAMPLE_LIST)]) == 1
    assert said in (told := capsys.readouterr().err)
    assert told.count("\n") == 1


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With what the system says."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9")
    assert main(["threats", "nowhere.csv"]) == 1
    assert capsys.readouterr().err == "service: nowhere.csv: No such file or directory\n"
