"""The queue between a request and its slow work."""

from __future__ import annotations

import os
import threading
import time

import pytest

from service.error_metrics.handover import Handover


def test_everything_arrives_once_and_in_order() -> None:
    """In batches of at most the given size."""
    batches: list[list[int]] = []
    handover = Handover(batches.append, limit=1000, batch=10, lose=pytest.fail)
    for number in range(95):
        handover.put(number)
    assert handover.flush()
    assert [number for batch in batches for number in batch] == list(range(95))
    assert max(map(len, batches)) <= 10


def test_flush_waits_for_the_batch_that_another_thread_works_on() -> None:
    """When it returns True, all work is done."""
    release, done = threading.Event(), []

    def slow(items: list[int]) -> None:
        release.wait(5)
        done.extend(items)

    handover = Handover(slow, limit=10, batch=10, lose=pytest.fail)
    handover.put(1)
    while handover._waiting:
        time.sleep(0.001)
    assert handover.flush(timeout=0.05) is False
    release.set()
    assert handover.flush(timeout=5)
    assert done == [1]


def test_flush_gives_up_when_the_work_hangs() -> None:
    """It says so, after the time it was given."""
    release = threading.Event()
    handover = Handover(lambda items: release.wait(5) and None, limit=10, batch=1, lose=pytest.fail)
    handover.put(1)
    handover.put(2)
    deadline = time.monotonic() + 5
    while len(handover._waiting) > 1 and time.monotonic() < deadline:  # the other thread has taken the first
        time.sleep(0.001)
    assert handover.flush(timeout=0.05) is False
    release.set()
    assert handover.flush(timeout=5)


def test_many_producers_lose_nothing_below_the_limit() -> None:
    """Puts and wake-ups of several threads don't get in each other's way."""
    seen: list[int] = []
    handover = Handover(seen.extend, limit=100_000, batch=100, lose=pytest.fail)

    def produce() -> None:
        for number in range(2000):
            handover.put(number)

    threads = [threading.Thread(target=produce) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert handover.flush()
    assert len(seen) == 8000


def test_a_thread_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost: readers do the work until then."""
    seen: list[int] = []
    handover = Handover(seen.extend, limit=10, batch=10, lose=pytest.fail)

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        handover.put(1)
        assert handover.flush()
    handover.put(2)
    deadline = time.monotonic() + 5
    while len(seen) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert seen == [1, 2]


def test_what_comes_in_while_the_thread_becomes_idle_is_not_left_lying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who puts it sees a thread that is awake, and wakes nobody."""
    seen: list[int] = []
    handover = Handover(seen.extend, limit=10, batch=10, lose=pytest.fail)
    step, late = handover._step, [2]

    def finding_nothing_more(timeout: float = -1) -> int:
        done = step(timeout)
        if not done and late:
            handover.put(late.pop())
        return done

    monkeypatch.setattr(handover, "_step", finding_nothing_more)
    handover.put(1)
    deadline = time.monotonic() + 5
    while len(seen) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert seen == [1, 2]


def test_a_flush_is_done_with_what_was_waiting_when_it_began() -> None:
    """Though more comes in all the while."""
    handover: Handover[int] = Handover(lambda items: again(items), limit=100, batch=1, lose=pytest.fail)

    def again(items: list[int]) -> None:
        handover.put(items[0] + 1)

    with handover._starting:  # no thread takes anything
        handover._idle = False
        for number in (10, 20):
            handover.put(number)
        assert handover.flush()
        assert list(handover._waiting) == [11, 21]


def test_a_flush_stops_at_its_deadline_and_says_so() -> None:
    """Between two batches, however much is waiting."""
    handover: Handover[int] = Handover(lambda items: time.sleep(0.05), limit=1000, batch=1, lose=pytest.fail)
    with handover._starting:
        handover._idle = False
        for number in range(1000):
            handover.put(number)
        assert handover.flush(timeout=0.01) is False
        assert len(handover._waiting) > 900


def test_what_finds_the_queue_full_is_reported_item_by_item() -> None:
    """And what is in it stays."""
    lost: list[int] = []
    handover: Handover[int] = Handover(lambda items: None, limit=2, batch=10, lose=lost.append)
    with handover._working:
        for number in range(5):
            handover.put(number)
        assert list(handover._waiting) == [0, 1]
    assert lost == [2, 3, 4]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_forked_in_the_middle_of_the_work_begins_anew() -> None:
    """It has neither the lock, which nobody in it would release, nor what waits: the parent does that."""
    read, write = os.pipe()
    handover = Handover(lambda items: os.write(write, b"".join(items)) and None, limit=10, batch=10, lose=pytest.fail)
    with handover._working:
        handover.put(b"parent ")
        pid = os.fork()
        if pid == 0:
            handover.put(b"child ")
            os._exit(0 if handover.flush(timeout=2) else 1)
        _, ended = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(ended) == 0
    assert handover.flush()
    assert os.read(read, 100) == b"child parent "


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_a_thread_of_its_own() -> None:
    """A server that forks its workers after loading the application loses nothing."""
    read, write = os.pipe()
    handover = Handover(lambda items: os.write(write, b"".join(items)) and None, limit=10, batch=10, lose=pytest.fail)
    handover.put(b"parent ")
    assert handover.flush()
    pid = os.fork()
    if pid == 0:
        handover.put(b"child")
        time.sleep(0.3)
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 100) == b"parent child"


def test_a_fork_waits_until_the_thread_holds_no_lock_of_others() -> None:
    """The child would find it held for ever."""
    shared, working = threading.Lock(), threading.Event()

    def work(_: list[int]) -> None:
        with shared:
            working.set()
            time.sleep(0.1)

    handover = Handover(work, limit=10, batch=10, lose=lambda _: None)
    handover.put(1)
    assert working.wait(5)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if shared.acquire(timeout=2) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert handover.flush()
