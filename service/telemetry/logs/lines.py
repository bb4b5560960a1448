"""A log line before it is text."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

from service.error_metrics.masking import MAX_TEXT

MAX_FIELDS = 50
MAX_DEPTH = 4
MAX_SHOWN = 1024
_PLAIN = (int, float, bool, type(None))


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
    exception: BaseException | None = None
    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    request_line: bool = False


def plain(value: Any, depth: int = 0) -> Any:
    """Return a bounded copy that nobody changes any more: a line is written later than it is logged."""
    if isinstance(value, _PLAIN):
        return value if type(value) is not float or isfinite(value) else str(value)  # JSON has no infinity
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {_text(key): plain(item, depth + 1) for key, item in list(value.items())[:MAX_FIELDS]}
    if depth < MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in list(value)[:MAX_FIELDS]]
    return _text(value)


def plain_arguments(arguments: Any) -> Any:
    """Return the arguments of a record so that `%` finds in them what it would have found now."""
    if isinstance(arguments, Mapping):
        return {key: item if isinstance(item, _PLAIN) else plain(item) for key, item in arguments.items()}
    if isinstance(arguments, tuple):
        return tuple(item if isinstance(item, _PLAIN) else _text(item) for item in arguments)
    return arguments


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value[: MAX_TEXT + 1]  # one more, so that the masker sees that it was cut
    try:
        return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))[:MAX_SHOWN]
    except Exception:  # noqa: BLE001  # whatever an object's own code does, the line is written
        return f"<{type(value).__name__} that can't be shown>"
