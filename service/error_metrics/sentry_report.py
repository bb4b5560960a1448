"""One report on its way to Sentry: what the request's thread hands over, and the event that is made of it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from random import getrandbits
from types import FrameType
from typing import Any, Literal

from .domains import ErrorDomain
from .events import MAX_WORD, RequestContext
from .masking import cut
from .measurement import Scope
from .sentry_trail import Breadcrumb

Level = Literal["debug", "info", "warning", "error", "fatal"]
Event = dict[str, Any]
MAX_FRAMES = 500
Place = tuple[str, str, int]


@dataclass(slots=True)
class Report:
    """References only, neither masked nor copied: it exists in the bounded queue and nowhere else."""

    exc: BaseException | None
    code: int | None
    time: float
    context: RequestContext
    message: str = ""
    level: Level = "error"
    handled: bool = True
    held_back: int = 0
    user_id: str | None = None
    scope: Scope | None = None
    breadcrumbs: tuple[Breadcrumb, ...] = ()
    tags: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    contexts: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """What equal reports have in common."""
        return self.fingerprint or (self.code, self.message if self.exc is None else type(self.exc).__name__)


def describe(report: Report) -> Event:
    """Return the event without its exception."""
    event: Event = {
        "timestamp": datetime.fromtimestamp(report.time, UTC),
        "level": report.level,
        "tags": _tags(report),
        "extra": _extra(report),
        "contexts": _contexts(report),
        "breadcrumbs": {"values": [_breadcrumb(crumb) for crumb in report.breadcrumbs]},
        "fingerprint": [str(part) for part in report.key if part is not None],
    }
    if report.message:
        event["logentry"] = {"formatted": report.message}
    transaction = " ".join(filter(None, (report.context.get("method"), report.context.get("path"))))
    if transaction:
        event["transaction"] = transaction
        event["transaction_info"] = {"source": "route"}
    if report.user_id is not None:
        event["user"] = {"id": report.user_id}
    if report.scope is not None:
        event["request"] = _request(report.scope)
    return event


def _tags(report: Report) -> dict[str, str]:
    tags: dict[str, Any] = dict(report.tags)
    if report.code is not None:
        tags["error_code"] = report.code
        tags["error_domain"] = ErrorDomain.from_code(report.code).name
    for name in ("request_id", "trace_id"):
        if report.context.get(name):
            tags[name] = report.context.get(name)
    return {key: cut(str(value), MAX_WORD) for key, value in tags.items()}


def _extra(report: Report) -> dict[str, Any]:
    held_back = {"similar_errors_held_back": report.held_back} if report.held_back else {}
    return {**report.extra, **held_back}


def _contexts(report: Report) -> dict[str, Any]:
    contexts = {
        name: dict(value) if isinstance(value, Mapping) else {"value": value} for name, value in report.contexts.items()
    }
    trace_id = report.context.get("trace_id")
    if trace_id:  # Sentry wants a span, too; one with a letter in front is never taken for a card number
        state = report.scope.get("state", {}) if report.scope is not None else {}
        contexts["trace"] = {"trace_id": trace_id, "span_id": state.get("span_id") or f"a{getrandbits(60):015x}"}
    return contexts


def _breadcrumb(crumb: Breadcrumb) -> Event:
    return {**crumb._asdict(), "timestamp": datetime.fromtimestamp(crumb.timestamp, UTC)}


def _request(scope: Scope) -> Event:
    headers: dict[str, str] = {}
    for name, value in scope.get("headers", ()):
        key = name.decode("latin-1")
        headers[key] = ", ".join(filter(None, (headers.get(key), value.decode("latin-1"))))
    return {
        "method": scope.get("method", "GET"),
        "url": scope.get("path", ""),
        "query_string": scope.get("query_string", b"").decode("latin-1"),
        "headers": headers,
    }


class Locals:
    """The local variables of an exception's frames, and of those of its causes, by the frame's place in the code."""

    def __init__(self, exc: BaseException) -> None:
        self._frames: dict[Place, deque[FrameType]] = {}
        for place, frame in islice(_frames(exc), MAX_FRAMES):
            self._frames.setdefault(place, deque()).append(frame)

    def of(self, place: Place) -> dict[str, Any]:
        """Return the variables of the next frame at a place."""
        frames = self._frames.get(place)
        return dict(frames.popleft().f_locals) if frames else {}


def _frames(exc: BaseException) -> Iterator[tuple[Place, FrameType]]:
    waiting, seen = [exc], {id(exc)}
    while waiting:
        current = waiting.pop(0)
        trace = current.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            yield (os.path.abspath(code.co_filename), code.co_name, trace.tb_lineno), trace.tb_frame  # noqa: PTH100  # as the SDK does it
            trace = trace.tb_next
        inner = current.exceptions if isinstance(current, BaseExceptionGroup) else ()
        for other in (current.__cause__, current.__context__, *inner):
            if other is not None and id(other) not in seen:
                seen.add(id(other))
                waiting.append(other)
