"""What is known of the work at hand when an error comes: its request, its user's id, and the breadcrumbs before it."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import deque
from collections.abc import Mapping
from contextvars import ContextVar
from itertools import islice
from typing import Any, NamedTuple

from .masking import cut
from .measurement import MeasuredRequest, RequestObserver, Scope

MAX_BREADCRUMBS = 50
MAX_DATA = 20
MAX_WORDS = 1024


class Breadcrumb(NamedTuple):
    """Something that happened before an error. Neither masked nor copied: that is done when it is sent."""

    timestamp: float
    category: str
    message: str
    level: str
    data: dict[str, Any]


class Trail:
    """What one request or task has left behind so far. It has an end: the newest fifty breadcrumbs are kept.

    A request has one object for all its tasks and worker threads, because a change of a context variable in a thread
    would be lost when the thread returns, and dependencies that find out the user often run in one. Outside requests
    each task has its own: it inherits the variable of whoever started it, and must not take that one's user.
    """

    __slots__ = ("_owner", "breadcrumbs", "scope", "user_id")

    def __init__(self, scope: Scope | None = None) -> None:
        self.scope = scope
        task = None if scope is not None else _task()
        self._owner = None if task is None else weakref.ref(task)
        self.user_id: str | None = None
        self.breadcrumbs: deque[Breadcrumb] | None = None

    def is_ours(self) -> bool:
        """Tell whether it belongs to the request, task or thread that asks."""
        if self.scope is not None:
            return True
        task = _task()
        return task is None or (self._owner is not None and self._owner() is task)

    def add(self, message: str, category: str, level: str, data: Mapping[str, Any]) -> None:
        """Append a breadcrumb."""
        if self.breadcrumbs is None:
            self.breadcrumbs = deque(maxlen=MAX_BREADCRUMBS)
        kept = dict(islice(data.items(), MAX_DATA))
        self.breadcrumbs.append(Breadcrumb(time.time(), category, cut(str(message), MAX_WORDS), level, kept))


_current: ContextVar[Trail | None] = ContextVar("error_metrics_sentry_trail", default=None)


def known_trail() -> Trail | None:
    """Return the trail of this request or task, or None when nothing is known."""
    trail = _current.get()
    return trail if trail is not None and trail.is_ours() else None


def own_trail() -> Trail:
    """Return the trail of this request or task, which is made now if there is none."""
    trail = known_trail()
    if trail is None:
        trail = Trail()
        _current.set(trail)
    return trail


def forget_job() -> None:
    """Forget the trail of a job that ends; that of a request stays."""
    trail = _current.get()
    if trail is not None and trail.scope is None:
        _current.set(None)


def _task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None


class RequestTrails(RequestObserver):
    """Gives each request a trail of its own, whatever ran in the same task before."""

    def started(self, request: MeasuredRequest) -> None:
        """Begin a trail."""
        _current.set(Trail(request.scope))

    def left(self, request: MeasuredRequest) -> None:  # noqa: ARG002
        """Let go of it, and of the request's scope."""
        _current.set(None)
