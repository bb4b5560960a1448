"""Several processes that serve the same sockets, for hosts without an orchestrator that would do this better."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from prometheus_client.multiprocess import mark_process_dead

from service.error_metrics.cells import SHARED_FOLDER, shared_by_workers

SIGNALS = (signal.SIGTERM, signal.SIGINT)
LIVED = 1.0  # seconds; a worker that ends sooner is not replaced at once, lest it be forked in circles
logger = logging.getLogger(__name__)


def check_shared_metrics() -> None:
    """Refuse several workers that could not add up their metrics.

    Raises:
        ValueError: there is no folder for them.
    """
    if not shared_by_workers():
        raise ValueError(f"{SHARED_FOLDER}: several workers add up their metrics in a folder, name an empty one")


def clear_shared_metrics(*, mine: bool, others: bool) -> None:
    """Remove the numbers of an earlier run, which would be added to those of this one.

    Args:
        mine: those of an earlier process that had the number of this one; in a container every one has.
        others: all the others; not before it is certain that no such service runs here already.
    """
    if shared_by_workers():
        for file in Path(os.environ[SHARED_FOLDER]).glob("*_*.db"):
            if mine if file.stem.endswith(f"_{os.getpid()}") else others:
                file.unlink(missing_ok=True)


class Workers:
    """Forks workers, replaces those that die, and ends them when it is told to.

    Args:
        number: of workers.
        work: what each does, in its own process; returns its exit code. 0 means that it was told to end.
    """

    def __init__(self, number: int, work: Callable[[], int]) -> None:
        self._number = number
        self._work = work
        self._born: dict[int, float] = {}
        self._told: signal.Signals | None = None

    def run(self) -> int:
        """Run until SIGTERM or SIGINT, or until a worker can't start; return the exit code.

        SIGTERM and SIGINT go to all workers, which finish their requests.
        """
        clear_shared_metrics(mine=True, others=True)  # this process serves nothing
        before = {number: signal.signal(number, self._pass_on) for number in SIGNALS}
        try:
            for _ in range(self._number):
                self._fork()
            return self._watch()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _watch(self) -> int:
        code = 0
        while self._born:
            pid, status = os.waitpid(-1, 0)
            lived = time.monotonic() - self._born.pop(pid, 0.0)
            if shared_by_workers():
                mark_process_dead(pid)  # type: ignore[no-untyped-call]  # prometheus_client's
            ended = os.waitstatus_to_exitcode(status)
            if self._told is not None:
                code = code or ended
            elif ended > 0 and lived < LIVED:
                code = ended
                self._pass_on(signal.SIGTERM, None)
            else:
                logger.warning("worker %d ended with %d, another takes its place", pid, ended)
                self._fork()
        return code

    def _fork(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # a signal now would find the child unknown, or unprepared
        pid = os.fork()
        if pid == 0:
            self._be_a_worker()
        self._born[pid] = time.monotonic()
        if self._told is not None:  # before the fork; a signal that came since then is passed on when it is let through
            os.kill(pid, self._told)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _be_a_worker(self) -> None:
        code = 1
        try:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            code = self._work()
        finally:
            os._exit(code)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._told = signal.Signals(number)
        for pid in list(self._born):
            os.kill(pid, number)
