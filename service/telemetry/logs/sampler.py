"""Which lines are left out: by rate, by number, and because they say the same again."""

from __future__ import annotations

import time
from collections.abc import Callable

from .config import LogConfig
from .lines import Line

MAX_REMEMBERED, MAX_COMPARED = 1000, 512  # messages, and the characters of each
_FAULTS = ("error", "critical")


class LogSampler:
    """Decides for each line, so that the lines of a request stay together.

    Args:
        config: the rates.
        clock: seconds, for tests.
    """

    def __init__(self, config: LogConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates = {
            "debug": config.sample_debug,
            "info": config.sample_info,
            "warning": config.sample_warning,
            "error": config.sample_error,
            "critical": config.sample_error,
        }
        self._limit = config.info_per_second
        self._repeat = config.repeat_seconds
        self._clock = clock
        self._second, self._written = 0, 0
        self._seen: dict[tuple[str, str, str], float] = {}

    def keeps_everything(self) -> bool:
        """Tell whether nothing is ever left out."""
        return min(self._rates.values()) >= 1 and not self._limit and not self._repeat

    def samples_out(self, level: str, share: float) -> bool:
        """Tell whether a request whose id has this `fraction` is left out at this level."""
        return share >= self._rates[level]

    def admits(self) -> bool:
        """Tell whether one more request, or a line outside any, may write INFO lines in this second."""
        self._turn()
        return not self._limit or self._written < self._limit

    def spend(self) -> None:
        """Count an INFO line that is written."""
        if self._limit:
            self._turn()
            self._written += 1

    def repeats(self, line: Line, endpoint: str) -> bool:
        """Tell whether the same was said from the same endpoint a moment ago; errors and request lines never repeat."""
        if not self._repeat or line.level in _FAULTS or line.request_line:
            return False
        event = f"{line.event}{line.arguments}" if line.arguments else line.event
        key, now = (line.logger, event[:MAX_COMPARED], endpoint), self._clock()
        last = self._seen.get(key)
        if last is not None and now - last < self._repeat:
            return True
        if last is None and len(self._seen) >= MAX_REMEMBERED:
            self._forget(now)
        self._seen[key] = now
        return False

    def _turn(self) -> None:
        second = int(self._clock())
        if second != self._second:
            self._second, self._written = second, 0

    def _forget(self, now: float) -> None:
        for key, last in list(self._seen.items()):
            if now - last >= self._repeat:
                self._seen.pop(key, None)
        while len(self._seen) >= MAX_REMEMBERED:  # events with ever new texts: the oldest go
            self._seen.pop(next(iter(self._seen)), None)
