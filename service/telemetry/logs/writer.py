"""Writing lines to a file descriptor from a thread, so that nobody waits for whoever reads them."""

from __future__ import annotations

import os
import select
from collections.abc import Callable

from service.error_metrics.handover import Handover

from .counts import QUEUE_FULL, WRITE_FAILED, LogCounts
from .exceptions import summary_of
from .lines import Line

MAX_WAITING = 10_000
BATCH = 200
WHOLE = 50
"""Lines that may wait until exceptions are no longer kept whole: each holds all that its frames do."""


def hold_open(descriptor: int) -> None:
    """Keep the number of a standard stream that was closed before we began.

    Otherwise the next socket would get it, and log lines would go there. What is written to it fails, and is counted.
    """
    try:
        os.fstat(descriptor)
    except OSError:
        read, write = os.pipe()
        os.dup2(write, descriptor)
        for end in {read, write} - {descriptor}:
            os.close(end)


class Writer:
    """Renders and writes lines in the background; what can't be written is counted and forgotten.

    Args:
        render: makes the text of a line.
        counts: counts what is written and what is lost.
        descriptor: where to write; it is not closed.
        limit: lines that may wait.
    """

    def __init__(
        self, render: Callable[[Line], bytes], counts: LogCounts, descriptor: int, limit: int = MAX_WAITING
    ) -> None:
        self._render = render
        self._counts = counts
        self._descriptor = descriptor
        self._torn = False
        self._handover: Handover[Line] = Handover(self._work, limit, BATCH, self._full, name="logs")

    def write(self, line: Line) -> None:
        """Queue a line and return at once."""
        if line.exception is not None and self._handover.waiting >= WHOLE:
            line = line._replace(exception=summary_of(line.exception))
        self._handover.put(line)

    def close(self, timeout: float = 2.0) -> bool:
        """Wait until what was queued is written; False when `timeout` seconds were too short."""
        return self._handover.wait(timeout)

    def _full(self, line: Line) -> None:
        self._counts.dropped(line.level, QUEUE_FULL)

    def _work(self, lines: list[Line]) -> None:
        rendered = []
        for line in lines:
            try:
                rendered.append((line.level, self._render(line)))
            except Exception:  # noqa: BLE001  # what can't be shown or masked is not written
                self._counts.dropped(line.level, WRITE_FAILED)
        written = self._write(b"".join(text for _, text in rendered))
        for level, text in rendered:
            written -= len(text)
            if written < 0:
                self._counts.dropped(level, WRITE_FAILED)
            else:
                self._counts.written(level)

    def _write(self, data: bytes) -> int:
        """Return how many bytes of `data` were written."""
        start = b"\n" if self._torn else b""  # what was cut short must not swallow the next line
        left = memoryview(start + data)
        try:
            while left:
                try:
                    left = left[os.write(self._descriptor, left) :]
                except BlockingIOError:  # somebody else has made the descriptor non-blocking
                    select.select((), (self._descriptor,), (), 1.0)
        except (OSError, ValueError):
            pass
        whole = len(start) + len(data) - len(left)
        if whole:
            self._torn = bool(left) and (start + data)[whole - 1 : whole] != b"\n"
        return max(0, whole - len(start))
