"""What is told while it runs, and at the end."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .calls import Calls
from .tally import Tally

EVERY = 3.0
"""Seconds between two lines."""
FIGURES = ("fds_precision", "fds_recall")


class Progress:
    """Tells how it goes.

    Args:
        tally: what to tell of.
        services: the shop and the fraud service; the latter's `/metrics` say how right decisions were.
        alive: a file that is written with each line.
    """

    def __init__(self, tally: Tally, services: tuple[Calls, Calls], alive: Path | None = None) -> None:
        self._tally = tally
        self._services = services
        self._alive = alive
        self._began = time.monotonic()
        self._told = 0

    async def go_on(self) -> None:
        """Print a line every few seconds until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            figures = await self.figures()
            sent, self._told = self._tally.requests - self._told, self._tally.requests
            seconds = int(time.monotonic() - self._began)
            parts = [f"{seconds // 60:02}:{seconds % 60:02}", f"{self._told} requests ({sent / EVERY:.1f}/s)"]
            parts += [f"errors {_most(self._tally.codes)}", f"decisions {_most(self._tally.decisions)}", figures]
            parts += [f"{name} does not answer ({problem})" for name, problem in self._tally.silent.items()]
            if self._tally.skipped:
                parts.append(f"{self._tally.skipped} skipped")
            print(", ".join(parts), flush=True)
            if self._alive is not None:
                self._alive.touch()

    async def figures(self) -> str:
        """Return precision and recall as the fraud service shows them, and find out whether anybody answers."""
        for service in self._services:
            if not self._tally.answered[service.name]:
                await service.look("/health/live")
        found = figures_of(await self._services[1].look("/metrics"))
        return ", ".join(f"{name.removeprefix('fds_')} {found.get(name, 'unknown')}" for name in FIGURES)

    async def summary(self) -> str:
        """Return what came of it all."""
        tally, seconds = self._tally, time.monotonic() - self._began
        lines = [
            f"{tally.requests} requests in {seconds:.0f} s, {tally.skipped} skipped, "
            f"{tally.unanswered.total()} not answered, {tally.odd} with answers that made no sense",
            f"answers by status: {_all(tally.statuses)}",
            f"errors by code: {_all(tally.codes)}",
            f"decisions: {_all(tally.decisions)}",
            f"labels: {_all(tally.labels)}; {await self.figures()}",
        ]
        return "\n".join(lines)


def figures_of(scrape: str) -> dict[str, str]:
    """Return precision and recall of a scrape, with two digits; those that are not a number yet are left out."""
    found = {}
    for line in scrape.splitlines():
        name, _, value = line.partition(" ")
        if name in FIGURES and value != "NaN":
            found[name] = f"{float(value):.2f}"
    return found


def _most(counts: Counter[str]) -> str:
    return _told(counts.most_common(6))


def _all(counts: Counter[str] | Counter[int]) -> str:
    return _told(sorted(counts.items(), key=lambda pair: str(pair[0])))


def _told(pairs: Iterable[tuple[object, int]]) -> str:
    return " ".join(f"{name}:{number}" for name, number in pairs) or "none"
