"""A log line before it is text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class ExceptionSummary(NamedTuple):
    """What is kept of an exception while many lines wait: nothing that keeps its frames, and their data, alive."""

    type: str
    message: str
    place: str | None


class Line(NamedTuple):
    """What was logged, when, and for which request; neither formatted nor masked.

    Attributes:
        time: seconds since the epoch.
        arguments: what `%` puts into `event`, for lines of the standard library's logging.
        exception: what is told with type, text and place.
        request_line: it is the one line that each request has.
    """

    time: float
    level: str
    logger: str
    event: str
    fields: Mapping[str, Any]
    arguments: Any = ()
    exception: BaseException | ExceptionSummary | None = None
    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    request_line: bool = False
