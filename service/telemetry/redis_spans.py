"""Spans of what a request asks Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .tracing import ChildSpans


@contextmanager
def redis_span(spans: ChildSpans | None, command: str, kind: str) -> Iterator[None]:
    """Trace what the block asks Redis.

    Args:
        spans: makes the span; None makes none.
        command: such as GET, or EXEC for several at once.
        kind: of the things that are asked about. Not their keys: one may be somebody's session.
    """
    if spans is None:
        yield
        return
    facts = {"db.system.name": "redis", "db.operation.name": command, "db.collection.name": kind}
    span = spans.begin(f"{command} {kind}", facts)
    try:
        yield
    except BaseException as problem:
        spans.end(span, problem)
        raise
    spans.end(span)
