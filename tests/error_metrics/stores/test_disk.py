"""Statistics that outlive their process, and one picture of the processes on a host."""

from __future__ import annotations

import json
import logging
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from service.error_metrics import BaseAppException
from service.error_metrics.stores.codec import OtherVersion, Unreadable
from service.error_metrics.stores.files import pack, unpack
from tests.servers import REPOSITORY, serving, status

from .conftest import agree, collectors, eventually, forks, in_a_child, record
from .test_replicas import UNKNOWN, shown

START = """
import os, signal, sys
from service.error_metrics import BaseAppException, ErrorMetricsCollector, MetricsConfig
from service.error_metrics.stores import disk
disk.BETWEEN_WRITES = 0.0
collector = ErrorMetricsCollector(MetricsConfig.testing(storage_path=sys.argv[1], max_history_size=1000))

def record(errors):
    for _ in range(errors):
        collector.record(BaseAppException(310, "none", 404))

def total():
    return collector.snapshot().total_errors

"""


def process(folder: Path, script: str) -> subprocess.Popen[str]:
    """Start a process that has `collector`, `record` and `total`."""
    command = [sys.executable, "-c", START + script, str(folder)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def said(folder: Path, script: str) -> list[str]:
    """Run a process to its end and return its lines."""
    with process(folder, script) as running:
        text = running.communicate(timeout=30)[0]
    return text.splitlines()


def files(folder: Path) -> list[str]:
    """Return the kinds of files that are there."""
    return sorted(path.name.partition(".")[2].partition("-")[0] for path in folder.iterdir())


def test_a_restart_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """Counts, windows and events, over three processes; there is one file, readable by its owner alone."""
    for number in (1, 2, 3):
        assert said(tmp_path, f"collector.close(); record({number}); collector.close(); print(total())") == [
            str(number * (number + 1) // 2)
        ]
        assert files(tmp_path) == ["state"]
    (after,) = collectors(1, storage_path=tmp_path)
    assert after.close()
    snapshot = after.snapshot()
    assert (snapshot.total_errors, snapshot.windows["24h"].by_code, snapshot.degraded) == (6, {310: 6}, False)
    assert len(after.events()) == 6
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_service_goes_on_where_it_was(tmp_path: Path) -> None:
    """Also when it is told to end before a file was due, and when it is killed."""
    (tmp_path / "statistics").mkdir()
    environ = {"METRICS_STORAGE_PATH": str(tmp_path / "statistics")}
    with serving(tmp_path, **environ) as (base, running):
        for _ in range(5):
            assert status(base + UNKNOWN) == 404
        running.terminate()
        assert running.wait(timeout=15) == 0
    with serving(tmp_path, **environ) as (base, running):
        eventually(lambda: shown(base)["total_errors"] == 5)
        assert status(base + UNKNOWN) == 404
        eventually(lambda: kept(tmp_path / "statistics") == 6)
        running.kill()
        running.wait(timeout=10)
    with serving(tmp_path, **environ) as (base, _):
        eventually(lambda: (shown(base)["total_errors"], shown(base, "/recent")["count"]) == (6, 6))
        assert shown(base)["degraded"] is False


def kept(folder: Path) -> int:
    """Return the errors that are in the files."""
    contents = [unpack(path.read_bytes()) for path in folder.glob("*.state")]
    return sum(json.loads(line)["errors"] for content in contents for line in content.series)


def test_processes_on_one_host_show_one_picture(tmp_path: Path) -> None:
    """Each reads the files of the others."""
    found = collectors(3, storage_path=tmp_path)
    for number, collector in enumerate(found, 1):
        record(collector, number)
    assert all(collector.close() for collector in found * 2)
    assert agree(found, 6)
    assert [len(collector.events()) for collector in found] == [6, 6, 6]
    record(found[0], 4)
    eventually(lambda: agree(found, 10))
    eventually(lambda: [len(collector.events()) for collector in found] == [10, 10, 10])


def test_killed_twenty_times_in_the_middle_of_writing_it_is_always_whole(tmp_path: Path) -> None:
    """What was told to be safe is there, and never more than was counted."""
    script = """
while True:
    record(7)
    print("counted", flush=True)
    assert collector.close()
    print(total(), flush=True)
"""
    safe = counted = 0
    for attempt in range(20):
        with process(tmp_path, script) as running:
            assert running.stdout is not None
            lines = [running.stdout.readline() for _ in range(random.randint(1, 6))]
            time.sleep(random.uniform(0, 0.02))
            running.kill()
            lines += running.stdout.read().splitlines()
        told = [line.strip() for line in lines]
        counted += 7 * (told.count("counted") + 1)  # one more may have begun
        safe = max([safe, *(int(line) for line in told if line.isdigit())])
        assert not list(tmp_path.glob("*corrupt*"))
        (there,) = said(tmp_path, "collector.close(); print(total())")
        assert safe <= int(there) <= counted, attempt
        safe = counted = int(there)
    assert counted >= 140
    assert files(tmp_path) == ["state"]


@pytest.mark.parametrize("where", ["_remove", "_write_with"])
def test_killed_between_adopting_and_removing_nothing_is_doubled(tmp_path: Path, where: str) -> None:
    """The file says what it contains: whoever comes next counts that once, and so does whoever only reads."""
    assert said(tmp_path, "record(5); collector.close(); print(total())") == ["5"]
    kill = f"""
start, disk.DiskStore.start = disk.DiskStore.start, lambda _: None  # both are counted before the first turn
disk.DiskStore.{where} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
record(2)
disk.DiskStore.start = start
collector.close()
"""
    for _ in range(2):
        assert said(tmp_path, kill) == []
    assert len(list(tmp_path.glob("*.state"))) == (3 if where == "_remove" else 1)
    more = 4 if where == "_remove" else 0  # what a process counted before it was killed is in its file, too
    assert said(tmp_path, "collector.close(); print(total(), len(collector.events()))") == [f"{5 + more} {5 + more}"]
    assert files(tmp_path) == ["state"]


@pytest.mark.parametrize("harm", [b"", b"rubbish", b'{"v":1}\n'])
def test_a_damaged_file_is_set_aside_with_one_line(
    tmp_path: Path, harm: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """And the others count."""
    for _ in range(2):
        said(tmp_path, "record(3); collector.close()")
    (tmp_path / f"{'a' * 32}.state").write_bytes(harm)
    (after,) = collectors(1, storage_path=tmp_path)
    assert all(after.close() for _ in range(3))
    assert agree([after], 6)
    (line,) = [line.getMessage() for line in caplog.records]
    (aside,) = tmp_path.glob("*.corrupt-*")
    assert (aside.name in line, aside.read_bytes()) == (True, harm)


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.99])
def test_a_file_that_was_cut_or_changed_is_damaged(tmp_path: Path, place: float) -> None:
    """Wherever it was."""
    said(tmp_path, "record(3); collector.close()")
    (file,) = tmp_path.iterdir()
    raw = file.read_bytes()
    at = int(len(raw) * place)
    flipped = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
    for harm in (raw[:at], flipped):
        with pytest.raises(Unreadable):
            unpack(harm)
    assert unpack(pack(*unpack(raw))) == unpack(raw)


def test_the_file_of_another_version_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """After a downgrade the next upgrade finds it."""
    file = tmp_path / f"{'a' * 32}.state"
    file.write_bytes(b'{"v":2}\nand whatever that version writes')
    with pytest.raises(OtherVersion):
        unpack(file.read_bytes())
    (after,) = collectors(1, storage_path=tmp_path)
    record(after, 1)
    assert all(after.close() for _ in range(3))
    assert agree([after], 1)
    assert file.read_bytes().startswith(b'{"v":2}')
    assert len(caplog.records) == 1


def test_a_full_disk_costs_the_file_and_nothing_else(tmp_path: Path) -> None:
    """Statistics go on and say that they are degraded; when there is room again, the file is whole."""
    assert said(tmp_path, "record(5); collector.close()") == []
    script = """
import logging, resource
logging.basicConfig(stream=sys.stdout, format="%(levelname)s", level=logging.INFO)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
record(2)
print(collector.close(), total(), len(collector.events()), collector.snapshot().degraded)
record(1)
print(collector.close(), total(), len(collector.events()), collector.snapshot().degraded)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(collector.close(), total(), len(collector.events()), collector.snapshot().degraded)
"""
    assert said(tmp_path, script) == ["WARNING", "False 7 7 True", "False 8 8 True", "INFO", "True 8 8 False"]
    assert files(tmp_path) == ["state"]
    assert kept(tmp_path) == 8


def test_a_folder_that_goes_costs_nothing_else_either(tmp_path: Path) -> None:
    """And is used again when it is there again."""
    folder = tmp_path / "statistics"
    folder.mkdir()
    one, other = collectors(2, storage_path=folder)
    record(one, 2)
    record(other, 3)
    eventually(lambda: agree([one, other], 5))
    shutil.rmtree(folder)
    record(one, 1)
    assert not one.close()
    assert (one.snapshot().total_errors, one.snapshot().degraded) == (6, True)
    folder.mkdir()
    eventually(lambda: agree([one, other], 6))
    assert (len(one.events()), kept(folder)) == (6, 6)


def test_a_reset_reaches_all_processes_and_what_is_left_of_others(tmp_path: Path) -> None:
    """It also holds for those that start later."""
    said(tmp_path, "record(4); collector.close()")
    one, other = collectors(2, storage_path=tmp_path)
    for collector in (one, other):
        record(collector, 2)
    eventually(lambda: agree([one, other], 8))
    other.reset()
    assert other.snapshot().total_errors == 0
    eventually(lambda: agree([one, other], 0))
    record(one, 1)
    eventually(lambda: agree([one, other], 1))
    assert (len(one.events()), one.close(), other.close()) == (1, True, True)
    assert said(tmp_path, "collector.close(); print(total(), len(collector.events()))") == ["1 1"]
    assert kept(tmp_path) == 1


def test_a_reset_that_can_not_be_written_happens_when_it_can(tmp_path: Path) -> None:
    """At once where it was asked for, later for the others."""
    folder = tmp_path / "statistics"
    folder.mkdir()
    one, other = collectors(2, storage_path=folder)
    record(other, 3)
    eventually(lambda: agree([one, other], 3))
    folder.rename(tmp_path / "away")
    eventually(lambda: one.snapshot().degraded and other.snapshot().degraded)
    one.reset()
    assert (one.snapshot().total_errors, other.snapshot().total_errors) == (0, 3)
    (tmp_path / "away").rename(folder)
    eventually(lambda: agree([one, other], 0))


def test_where_files_have_no_locks_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to use instead."""
    monkeypatch.setitem(sys.modules, "service.error_metrics.stores.disk", None)
    with pytest.raises(ValueError, match="storage_path: this system has no locks on files"):
        collectors(1, storage_path=tmp_path)


def test_a_thread_that_can_not_be_started_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the next who reads; until then it says that it is degraded."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    (collector,) = collectors(1, storage_path=tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        record(collector, 1)
        assert (collector.snapshot().total_errors, collector.snapshot().degraded) == (1, True)
    eventually(lambda: agree([collector], 1))


def test_the_file_holds_no_more_events_than_are_kept(tmp_path: Path) -> None:
    """The newest; totals stay exact."""
    for _ in range(2):
        said(tmp_path, "record(800); collector.close()")
    (file,) = tmp_path.glob("*.state")
    contents = unpack(file.read_bytes())
    assert (len(contents.events), kept(tmp_path)) == (1000, 1600)


def test_only_masked_events_get_there(tmp_path: Path) -> None:
    """Every byte of the file is searched."""
    (collector,) = collectors(1, storage_path=tmp_path)
    collector.record(BaseAppException(310, "password=Hunter2! of jo@shop.example", 404))
    assert collector.close()
    (file,) = tmp_path.iterdir()
    assert b"***" in file.read_bytes()
    assert not any(secret in file.read_bytes() for secret in (b"Hunter2", b"jo@shop"))


def test_a_process_that_has_nothing_to_tell_leaves_nothing(tmp_path: Path) -> None:
    """No file for each worker that only served."""
    (collector,) = collectors(1, storage_path=tmp_path)
    assert (collector.close(), collector.snapshot().total_errors, list(tmp_path.iterdir())) == (True, 0, [])


@forks
def test_a_forked_child_has_a_file_of_its_own(tmp_path: Path) -> None:
    """What was counted before the fork is the parent's; the child's file is adopted like any other."""
    (parent,) = collectors(1, storage_path=tmp_path)
    record(parent, 3)
    assert parent.close()
    assert in_a_child(parent, errors=2, total=5)
    record(parent, 1)
    eventually(lambda: agree([parent], 6))
    assert parent.close()
    assert said(tmp_path, "collector.close(); print(total())") == ["6"]
    assert len(list(tmp_path.glob("*.state"))) == 2  # the parent's, which lives, and the last one's


def test_leftovers_of_interrupted_writes_go(tmp_path: Path) -> None:
    """Unless somebody is writing just now."""
    (tmp_path / f"{'a' * 32}.tmp").write_bytes(b"half")
    assert said(tmp_path, "record(1); collector.close()") == []
    assert files(tmp_path) == ["state"]


def test_a_damaged_reset_is_said_and_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is forgotten because of it."""
    caplog.set_level(logging.INFO)
    said(tmp_path, "record(1); collector.close()")
    (tmp_path / "reset").write_bytes(b"soon")
    (after,) = collectors(1, storage_path=tmp_path)
    assert after.close()
    assert agree([after], 1)
    assert len(caplog.records) == 1
