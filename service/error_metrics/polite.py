"""Long work in a thread, without making the event loop wait."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

ITEMS_A_TURN = 20
T = TypeVar("T")


def politely(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, and now and then let whoever waits have the interpreter."""
    for number, item in enumerate(items):
        if number % ITEMS_A_TURN == ITEMS_A_TURN - 1:
            time.sleep(0)  # otherwise an event loop waits for the switch interval, 5 ms at each of its steps
        yield item
