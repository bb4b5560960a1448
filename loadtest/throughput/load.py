"""The client: keep-alive connections over plain asyncio streams, because it shares two cores with all it measures."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

ARRIVAL = 0.005
"""Seconds between two connections: of those that come in one moment a single worker may take all."""
PATIENCE = 10.0
"""Seconds until an answer counts as none."""


@dataclass
class Outcome:
    """What came of a stretch of load.

    Attributes:
        seconds: how long it was.
        statuses: answers by status; 0 for none.
        latencies: seconds of each answer, from when it was due where there is a pace: waiting for a connection counts.
    """

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return sum(self.statuses.values()) / self.seconds

    @property
    def error_rate(self) -> float:
        """The share of requests that were not answered, or with 500 and above."""
        errors = sum(number for status, number in self.statuses.items() if status >= 500 or status == 0)
        return errors / max(1, sum(self.statuses.values()))

    def quantile(self, share: float) -> float:
        """Seconds that this share of answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def send(
    port: int, requests: Iterator[bytes], seconds: float, connections: int, per_second: float = 0
) -> Outcome:
    """Send requests for some seconds: one after the other on each connection, or at a pace."""
    outcome, began = Outcome(), time.perf_counter()
    until = began + seconds
    due = _dues(began, until, per_second) if per_second else None
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_connection(port, requests, until, due, outcome))
            await asyncio.sleep(ARRIVAL)
    outcome.seconds = time.perf_counter() - began
    return outcome


def _dues(began: float, until: float, per_second: float) -> Iterator[float]:
    number = 0
    while (due := began + number / per_second) < until:
        number += 1
        yield due


async def _connection(
    port: int, requests: Iterator[bytes], until: float, dues: Iterator[float] | None, outcome: Outcome
) -> None:
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while time.perf_counter() < until:
        due = time.perf_counter() if dues is None else next(dues, None)
        if due is None:
            break
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        status = 0
        try:
            async with asyncio.timeout(PATIENCE):
                streams = streams or await asyncio.open_connection("127.0.0.1", port)
                status = await _exchange(*streams, next(requests))
        except (OSError, EOFError, TimeoutError):
            if streams is not None:
                streams[1].close()
            streams = None
        outcome.statuses[status] += 1
        outcome.latencies.append(time.perf_counter() - due)
    if streams is not None:
        streams[1].close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    start = head.lower().find(b"content-length: ")
    if start >= 0:
        await reader.readexactly(int(head[start + 16 : head.index(b"\r\n", start)]))
    return int(head[9:12])
