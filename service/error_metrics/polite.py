"""Long work in a thread, without making the event loop wait."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

ITEMS_A_TURN = 20
T = TypeVar("T")


def politely(items: Iterable[T], at_once: int = ITEMS_A_TURN) -> Iterator[T]:
    """Yield the items, and after every so many let whoever waits have the interpreter."""
    for number, item in enumerate(items, 1):
        if number % at_once == 0:
            time.sleep(0)  # otherwise an event loop waits for the switch interval, 5 ms at each of its steps
        yield item
