"""How many lines were written, and how many were lost or left out."""

from __future__ import annotations

from itertools import product

from prometheus_client import CollectorRegistry

from service.telemetry.early_counter import EarlyCounter

from .config import LEVELS

# What was left out on purpose, and what was lost.
SAMPLED, RATE_LIMITED, REPEATED, QUEUE_FULL, WRITE_FAILED = REASONS = (
    "sampled",
    "rate_limited",
    "repeated",
    "queue_full",
    "write_failed",
)


class LogCounts:
    """Counts by level and, for lines that were not written, by reason.

    Attributes:
        written: counts a line of a level.
        dropped: counts a line of a level that is lost or left out for a reason.
    """

    def __init__(self) -> None:
        self._written = EarlyCounter("log_lines_total", "Lines written.", ("level",))
        self._dropped = EarlyCounter("log_lines_dropped_total", "Lines not written.", ("level", "reason"))
        self.written, self.dropped = self._written.add, self._dropped.add

    def register(self, registry: CollectorRegistry) -> None:
        """Export the counts.

        Raises:
            ValueError: the registry holds series of these names already.
        """
        self._written.register(registry, ((level,) for level in LEVELS))
        self._dropped.register(registry, product(LEVELS, REASONS))
