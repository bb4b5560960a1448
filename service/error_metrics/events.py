"""One recorded error, as it is kept and shown."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from random import getrandbits
from typing import Any, NamedTuple, TypedDict

MAX_MESSAGE = 256
MAX_WORD = 128


class RequestContext(TypedDict, total=False):
    """What a caller of `record` knows of the request. Everything is optional; `path` is the route template."""

    method: str | None
    path: str | None
    request_id: str | None
    trace_id: str | None


class ErrorEvent(NamedTuple):
    """One error. A plain tuple, because ten thousand of them are kept."""

    time: float
    error_code: int
    error_domain: str
    error_name: str
    message: str
    status_code: int
    method: str | None
    path: str | None
    request_id: str | None
    trace_id: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the event for JSON, its time as ISO 8601 in UTC."""
        values = self._asdict()
        values["timestamp"] = iso_utc(values.pop("time"))
        return values


# What `record` hands over: time, code, domain, name, message, status and context, neither masked nor cut.
RawEvent = tuple[float, int, str, str, str, int, RequestContext]


@lru_cache(maxsize=1)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def iso_utc(seconds: float) -> str:
    """Return a moment, in seconds since the epoch, as ISO 8601 in UTC with microseconds.

    Most moments of a burst lie in the same second, of which all but the fraction is kept.
    """
    whole = int(seconds)
    return f"{_to_the_second(whole)}.{int((seconds - whole) * 1_000_000):06d}+00:00"


def new_request_id() -> str:
    """Return 32 hexadecimal digits: unique, not secret, and quicker than asking the kernel for randomness."""
    return f"{getrandbits(128):032x}"


def shorten(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with a closing ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
