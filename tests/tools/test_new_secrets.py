"""Making secrets, once."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from service.settings import Settings
from service.tools.new_secrets import RANDOM, main


def texts(folder: Path) -> dict[str, str]:
    """Return what is in a folder's files."""
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_secrets_are_random_and_made_once(tmp_path: Path) -> None:
    """The second start finds them; two stacks share none."""
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        assert main([str(folder)]) == 0
    before = texts(one)
    assert main([str(one)]) == 0
    assert texts(one) == before
    assert not {before[name] for name in RANDOM} & set(texts(other).values())
    assert all(len(before[name]) >= 43 for name in RANDOM)


def test_only_one_group_may_read_them_and_nobody_writes(tmp_path: Path) -> None:
    """0440, also where somebody has changed that."""
    main([str(tmp_path)])
    (tmp_path / "fds_key").chmod(0o600)
    main([str(tmp_path)])
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o440}


def test_one_that_was_lost_is_made_again_and_the_others_stay(tmp_path: Path) -> None:
    """What is made of it follows."""
    main([str(tmp_path)])
    before = texts(tmp_path)
    (tmp_path / "redis_password").unlink()
    main([str(tmp_path)])
    after = texts(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"redis_password", "redis_url", "redis.conf"}
    assert after["redis_password"] in after["redis.conf"]


def test_the_services_take_what_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by its file; without a tracker nothing is reported, with one it is."""
    main([str(tmp_path)])
    for name in ("database_url", "redis_url", "api_keys", "fds_key", "fingerprint_key", "sentry_dsn"):
        monkeypatch.setenv(f"{name.upper()}_FILE", str(tmp_path / name))
    settings = Settings.from_environment()
    assert settings.api_keys["shop"] == settings.fds_key
    assert settings.metrics.sentry_enabled is False
    main([str(tmp_path), "--sentry", "bugsink:8000/1"])
    assert Settings.from_environment().metrics.sentry_enabled is True
    main([str(tmp_path)])
    assert Settings.from_environment().metrics.sentry_enabled is True, "a start without the tracker cut it off"


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is made elsewhere."""
    assert main([str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("new_secrets: ")
