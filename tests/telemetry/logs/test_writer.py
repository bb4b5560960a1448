"""Writing, when whoever reads is slow, gone or full."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from service.telemetry.logs.counts import LogCounts
from service.telemetry.logs.lines import ExceptionSummary, Line
from service.telemetry.logs.writer import Writer

FULL = Path("/dev/full")


def line(event: str, level: str = "info") -> Line:
    """A line."""
    return Line(0, level, "x", event, {})


def render(line: Line) -> bytes:
    """Its text."""
    if line.event == "broken":
        raise ValueError
    return line.event.encode() + b"\n"


class Writing:
    """A writer and its counts."""

    def __init__(self, descriptor: int, limit: int = 10_000) -> None:
        self.registry = CollectorRegistry()
        counts = LogCounts()
        counts.register(self.registry)
        self.writer = Writer(render, counts, descriptor, limit)

    def lost(self, reason: str) -> float:
        """How many lines were lost."""
        labels = {"level": "info", "reason": reason}
        return self.registry.get_sample_value("log_lines_dropped_total", labels) or 0

    def written(self) -> float:
        """How many were written."""
        return self.registry.get_sample_value("log_lines_total", {"level": "info"}) or 0


def test_nobody_waits_for_a_reader_who_does_not_read() -> None:
    """What does not fit is counted, and the rest comes when he reads again."""
    read, write = os.pipe()
    writing = Writing(write, limit=100)
    for _ in range(300):
        writing.writer.write(line("x" * 1000))
        time.sleep(0.001)
    assert not writing.writer.close(0.1)
    lost = writing.lost("queue_full")
    assert lost > 0
    received = 0
    while received < (300 - lost) * 1001:
        received += len(os.read(read, 1 << 16))
    assert writing.writer.close(5)
    assert writing.written() == 300 - lost
    os.close(read)
    os.close(write)


def test_a_reader_who_has_gone_costs_lines_only() -> None:
    """They are counted."""
    read, write = os.pipe()
    os.close(read)
    writing = Writing(write)
    for _ in range(10):
        writing.writer.write(line("x"))
    assert writing.writer.close(5)
    assert (writing.lost("write_failed"), writing.written()) == (10, 0)
    os.close(write)


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_a_full_disk_costs_lines_only() -> None:
    """They are counted."""
    descriptor = os.open(FULL, os.O_WRONLY)
    writing = Writing(descriptor)
    writing.writer.write(line("x"))
    assert writing.writer.close(5)
    assert writing.lost("write_failed") == 1
    os.close(descriptor)


def test_a_closed_descriptor_costs_lines_only(tmp_path: Path) -> None:
    """They are counted, and writing goes on when it is open again."""
    descriptor = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    writing = Writing(descriptor)
    os.close(descriptor)
    writing.writer.write(line("lost"))
    assert writing.writer.close(5)
    assert os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY) == descriptor
    writing.writer.write(line("there"))
    assert writing.writer.close(5)
    os.close(descriptor)
    assert (tmp_path / "log").read_text() == "there\n"
    assert (writing.lost("write_failed"), writing.written()) == (1, 1)


def test_a_descriptor_that_does_not_block_gets_every_line() -> None:
    """Somebody else may have made it so: it is shared with the parent process."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    writing = Writing(write)
    for number in range(200):
        writing.writer.write(line(f"{number:04}" + "x" * 996))
    received = b""
    while len(received) < 200 * 1001:
        received += os.read(read, 1 << 16)
    assert [text[:4] for text in received.decode().split()] == [f"{number:04}" for number in range(200)]
    assert writing.writer.close(5)
    assert writing.written() == 200
    os.close(read)
    os.close(write)


def test_a_line_cut_short_does_not_swallow_the_next(tmp_path: Path) -> None:
    """A disk that becomes full in the middle of a line, here a limit on the size of files."""
    code = """
import os, resource, signal, sys
from tests.telemetry.logs.test_writer import Writing, line
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
descriptor = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
writing = Writing(descriptor)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
for event in ("one", "two, cut short"):
    writing.writer.write(line(event))
writing.writer.close(5)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
writing.writer.write(line("three"))
writing.writer.close(5)
print(int(writing.written()), int(writing.lost("write_failed")))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "log"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        timeout=30,
    )
    assert done.stdout == "2 1\n", done.stderr
    assert (tmp_path / "log").read_text() == "one\ntwo,\nthree\n"


def test_a_line_that_can_not_be_shown_takes_no_other_with_it(tmp_path: Path) -> None:
    """It is counted."""
    descriptor = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    writing = Writing(descriptor)
    for event in ("one", "broken", "two"):
        writing.writer.write(line(event))
    assert writing.writer.close(5)
    os.close(descriptor)
    assert (tmp_path / "log").read_text() == "one\ntwo\n"
    assert (writing.lost("write_failed"), writing.written()) == (1, 2)


def test_what_was_counted_before_there_was_a_registry_is_added() -> None:
    """Logging begins first."""
    counts = LogCounts()
    counts.written("info")
    counts.dropped("info", "sampled")
    registry = CollectorRegistry()
    counts.register(registry)
    counts.written("info")
    assert registry.get_sample_value("log_lines_total", {"level": "info"}) == 2
    assert registry.get_sample_value("log_lines_dropped_total", {"level": "info", "reason": "sampled"}) == 1


def test_while_many_lines_wait_exceptions_are_not_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would hold all that its frames hold, such as the body of its request."""
    monkeypatch.setattr("service.telemetry.logs.writer.WHOLE", 2)
    rendered: list[Line] = []
    descriptor = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    writer = Writer(lambda line: rendered.append(line) or b"x", LogCounts(), descriptor)  # type: ignore[func-returns-value]
    with writer._handover._working:  # nothing is written meanwhile
        for number in range(4):
            try:
                raise ValueError(f"the {number}th")
            except ValueError as problem:
                writer.write(Line(0.0, "error", "x", "failed", {}, (), problem))
    assert writer.close(5)
    os.close(descriptor)
    kinds = [type(line.exception).__name__ for line in rendered]
    assert kinds == ["ValueError", "ValueError", "ExceptionSummary", "ExceptionSummary"]
    summary = rendered[3].exception
    assert isinstance(summary, ExceptionSummary)
    assert (summary.type, summary.message) == ("ValueError", "ValueError: the 3th")
    assert "test_writer.py" in (summary.place or "")
