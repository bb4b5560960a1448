"""`python -m loadtest.demo`, against a service that runs."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest

from tests.servers import free_port, launch, serving

from .demos import KEY, run, start

KEYS = {"API_KEYS": f"carrier:{KEY}", "LOG_LEVEL": "error"}


def test_it_buys_cheats_and_tells_what_was_a_fraud(tmp_path: Path) -> None:
    """And sums up: errors by code, every kind of decision but the rarest, and precision as the service shows it."""
    with serving(tmp_path, **KEYS) as (base, _):
        code, told = run("--shop", base, "--seconds", "15", "--rate", "20")
    summary = told[told.index(" requests in ") - 4 :]
    assert code == 0, told
    assert " 0 not answered, 0 with answers that made no sense" in summary
    assert re.search(r"00:0[34], \d+ requests \([\d.]+/s\), errors \S+:\d", told)
    assert len(set(re.findall(r"(\d{3}):\d+", summary.split("errors by code")[1]))) >= 4  # which ones is chance
    assert int(re.search(r"completed:(\d+)", summary)[1]) > 5  # type: ignore[index]
    assert "additional_auth:" in summary
    assert re.search(r"labels: fraud:\d+ honest:\d+; precision \S+, recall (0\.\d\d|1\.00|unknown)\n", summary)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_told_and_still_sums_up(tmp_path: Path, number: signal.Signals) -> None:
    """With --seconds 0 it would go on for ever."""
    with serving(tmp_path, **KEYS) as (base, _):
        process = start("--shop", base, "--seconds", "0")
        time.sleep(4)
        process.send_signal(number)
        told, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "answers by status: " in told
    assert "Traceback" not in told


def test_it_shows_again_and_again_that_it_lives(tmp_path: Path) -> None:
    """By a file, for a healthcheck; also where nobody answers."""
    alive, base = tmp_path / "alive", f"http://127.0.0.1:{free_port()}"
    process = start("--shop", base, "--seconds", "0", "--alive", str(alive))
    try:
        seen: set[float] = set()
        deadline = time.monotonic() + 30
        while len(seen) < 2:
            assert time.monotonic() < deadline, seen
            seen |= {alive.stat().st_mtime} if alive.exists() else set()
            time.sleep(0.2)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_it_goes_on_when_the_service_has_been_away(tmp_path: Path) -> None:
    """And says so in the meantime."""
    port = free_port()
    service = launch(tmp_path, port, **KEYS)
    process = start("--shop", f"http://127.0.0.1:{port}", "--seconds", "20", "--rate", "10")
    time.sleep(4)
    service.kill()
    service.wait(10)
    time.sleep(4)
    service = launch(tmp_path, port, **KEYS)
    told, _ = process.communicate(timeout=60)
    service.kill()
    service.wait(10)
    assert process.returncode == 0, told
    lines = [line for line in told.splitlines() if line.startswith("00:")]
    assert any("the shop does not answer (ConnectError)" in line for line in lines)
    assert "does not answer" not in lines[-1]


def test_who_never_answers_is_told_in_one_line() -> None:
    """With the address, and exit code 1."""
    base = f"http://127.0.0.1:{free_port()}"
    code, told = run("--shop", base, "--seconds", "1")
    assert code == 1
    assert told.splitlines()[-1] == f"demo: the shop never answered at {base} (ConnectError)"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--shop", "127.0.0.1:8000"), "--shop: '127.0.0.1:8000' is no address, write one as http://127.0.0.1:8000"),
        (("--fds", "http://[1"), "--fds: 'http://[1' is no address, write one as http://127.0.0.1:8000"),
        (("--shop", "http://x:99999"), "--shop: 'http://x:99999' is no address, write one as http://127.0.0.1:8000"),
        (("--rate", "0"), "--rate: '0' is no number in 0.01-1000"),
        (("--rate", "nan"), "--rate: 'nan' is no number in 0.01-1000"),
        (("--seconds=-1",), "--seconds: '-1' is no number in 0-1e+09"),
        (("--seed", "x"), "--seed: 'x' is no number in 0-2.14748e+09"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_line(arguments: tuple[str, ...], line: str) -> None:
    """It names the option, and what is possible."""
    assert run(*arguments) == (1, f"demo: {line}\n")
