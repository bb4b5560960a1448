"""What the engines would have seen of a world, in the order of time, with production's own history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from service.fds.engines.rules import judge
from service.fds.history import MemoryHistory, Past
from service.fds.judgement import band_of

from .world import Told


class Seen(NamedTuple):
    """A payment with what was known before it."""

    told: Told
    past: Past


def replay(payments: Iterable[Told]) -> Iterator[Seen]:
    """Return each payment with its past. As in production, only one that is approved at once forms habits."""
    history = MemoryHistory()
    for told in payments:
        past = history.look_now(told.transaction)
        if band_of(judge(told.transaction, past).score).decision == "approve":
            history.approve_now(told.transaction)
        yield Seen(told, past)
