"""A counter for what happens before there is a registry, too: the start of a process is when most goes wrong."""

from __future__ import annotations

import os
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

from prometheus_client import CollectorRegistry

from service.error_metrics.cells import CounterChild, CounterFamily, make_counter


class EarlyCounter:
    """Counts at once, and is exported once there is a registry.

    Args:
        name: of the metric, ending in `_total`.
        text: what it counts.
        labels: their names.
    """

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self._shape = name, text, labels
        self._lock = threading.Lock()
        self._early: Counter[tuple[str, ...]] = Counter()
        self._family: CounterFamily | None = None
        self._children: dict[tuple[str, ...], CounterChild] = {}
        _alive.add(self)

    def register(self, registry: CollectorRegistry, series: Iterable[tuple[str, ...]]) -> None:
        """Export it, with these label values from zero so that the first event is an increase.

        Raises:
            ValueError: the registry holds series of this name already.
        """
        family = make_counter(*self._shape, registry)
        for labels in series:
            family.labels(*labels)
        with self._lock:
            self._family, early = family, self._early
        for labels, number in early.items():
            family.labels(*labels).inc(number)

    def add(self, *labels: str, number: int = 1) -> None:
        """Count events with these label values."""
        child = self._children.get(labels)
        if child is None:
            with self._lock:
                if self._family is None:
                    self._early[labels] += number
                    return
            child = self._children[labels] = self._family.labels(*labels)
        child.inc(number)

    def before_fork(self) -> None:
        """Let nobody count while there are two of this counter."""
        self._lock.acquire()

    def after_fork(self, *, parent: bool) -> None:
        """Leave to a forked child what was counted early: several children of one parent would add it several times."""
        if parent:
            self._early.clear()
        self._lock.release()


_alive: weakref.WeakSet[EarlyCounter] = weakref.WeakSet()
_stopped: list[EarlyCounter] = []


def _before_fork() -> None:
    _stopped.extend(_alive)
    for counter in _stopped:
        counter.before_fork()


def _after_fork(*, parent: bool) -> None:
    while _stopped:
        _stopped.pop().after_fork(parent=parent)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=partial(_after_fork, parent=True),
        after_in_child=partial(_after_fork, parent=False),
    )
