"""How states and events are written where other processes read them: JSON objects with a version.

Whoever reads is tolerant: what is unknown in an object is skipped, so that fields can be added; `VERSION` rises only
when old readers would misunderstand, and then they leave the whole object alone. Everything that is read has limits.
"""

from __future__ import annotations

import json
import re
from array import array
from itertools import compress
from typing import Any, NamedTuple

from ..domains import MAX_CODE
from ..events import MAX_MESSAGE, MAX_WORD, ErrorEvent
from ..masking import encodable
from ..states import OTHER, Code, SeriesState
from ..windows import HOURS, MINUTES, Buckets

VERSION = 1
MAX_BYTES = 65_536  # of one object
MAX_CONTAINED = 1000
_MOST = 2**53  # what every JSON reader takes
_END = 253_402_300_800  # of the year 9999
_OWNER = re.compile(r"[0-9a-f]{32}")


class Unreadable(ValueError):
    """What was read is damaged, or no state at all."""


class OtherVersion(Unreadable):
    """What was read is meant for another version of this code."""


class Head(NamedTuple):
    """What a process tells of itself.

    Attributes:
        owner: the id of the process.
        reset: number of the newest reset that it has followed; what follows an older one is void.
        lost: events that it counted and did not keep.
        overflow: errors that it counted as `other`.
        newest: number of its newest event that is published.
        contains: owners whose states were added to this one, and so don't count any more.
    """

    owner: str
    reset: int = 0
    lost: int = 0
    overflow: int = 0
    newest: int = 0
    contains: tuple[str, ...] = ()


class OwnedEvent(NamedTuple):
    """An event, and the process and number that make it unique."""

    owner: str
    number: int
    reset: int
    event: ErrorEvent


def encode_head(head: Head, **more: int) -> bytes:
    """Return one line of JSON."""
    return _dump({"v": VERSION, **head._asdict(), **more})


def decode_head(raw: bytes) -> Head:
    """Return what `encode_head` wrote.

    Raises:
        OtherVersion: another version wrote it.
        Unreadable: it is damaged.
    """
    found = _load(raw)
    contains = found.get("contains", [])
    if not isinstance(contains, list) or len(contains) > MAX_CONTAINED:
        raise Unreadable("contains")
    whole = (_whole(found, name) for name in ("reset", "lost", "overflow", "newest"))
    reset, lost, overflow, newest = whole
    return Head(_owner(found.get("owner")), reset, lost, overflow, newest, tuple(map(_owner, contains)))


def decode_counts(raw: bytes) -> tuple[int, int]:
    """Return how many lines of series and of events follow a head.

    Raises:
        Unreadable: it is damaged.
    """
    found = _load(raw)
    return _whole(found, "series"), _whole(found, "events")


def encode_series(state: SeriesState) -> bytes:
    """Return one line of JSON; buckets are their numbers and their counts."""
    return _dump({**state._asdict(), "minutes": _lists(state.minutes), "hours": _lists(state.hours)})


def decode_series(raw: bytes) -> SeriesState:
    """Return what `encode_series` wrote.

    Raises:
        Unreadable: it is damaged.
    """
    found = _load(raw, versioned=False)
    return SeriesState(
        _code(found.get("code"), MAX_CODE),
        _code(found.get("status"), 999),
        _text(found, "domain", 32),
        _whole(found, "errors"),
        _moment(found, "first_seen"),
        _moment(found, "last_seen"),
        _buckets(found.get("minutes"), MINUTES),
        _buckets(found.get("hours"), HOURS),
    )


def encode_event(owned: OwnedEvent) -> bytes:
    """Return one line of JSON."""
    owner, number, reset, event = owned
    return _dump({"v": VERSION, "owner": owner, "number": number, "reset": reset, **event._asdict()})


def decode_event(raw: bytes) -> OwnedEvent:
    """Return what `encode_event` wrote.

    Raises:
        OtherVersion: another version wrote it.
        Unreadable: it is damaged.
    """
    found = _load(raw)
    event = ErrorEvent(
        _moment(found, "time"),
        _whole(found, "error_code", MAX_CODE),
        _text(found, "error_domain", 32),
        _text(found, "error_name", MAX_MESSAGE),
        _text(found, "message", MAX_MESSAGE),
        _whole(found, "status_code", 999),
        *(_maybe(found, name) for name in ("method", "path", "request_id", "trace_id")),
    )
    return OwnedEvent(_owner(found.get("owner")), _whole(found, "number"), _whole(found, "reset"), event)


def encode_reset(number: int) -> bytes:
    """Return one line of JSON."""
    return _dump({"v": VERSION, "reset": number})


def decode_reset(raw: bytes) -> int:
    """Return what `encode_reset` wrote.

    Raises:
        OtherVersion: another version wrote it.
        Unreadable: it is damaged.
    """
    return _whole(_load(raw), "reset")


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _load(raw: bytes, *, versioned: bool = True) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise Unreadable("too long")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise Unreadable("no JSON") from None
    if not isinstance(found, dict):
        raise Unreadable("no object")
    if versioned and type(found.get("v")) is not int:
        raise Unreadable("no version")
    if versioned and found["v"] != VERSION:
        raise OtherVersion(f"version {str(found['v'])[:20]}")
    return found


def _whole(found: dict[str, Any], name: str, most: int = _MOST) -> int:
    value = found.get(name, 0)
    if type(value) is not int or not 0 <= value <= most:
        raise Unreadable(name)
    return value


def _moment(found: dict[str, Any], name: str) -> float:
    value: Any = found.get(name)
    if type(value) not in (int, float) or not 0 <= value < _END:  # neither is NaN
        raise Unreadable(name)
    return float(value)


def _text(found: dict[str, Any], name: str, limit: int) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise Unreadable(name)
    return encodable(value[:limit])


def _maybe(found: dict[str, Any], name: str) -> str | None:
    return None if found.get(name) is None else _text(found, name, MAX_WORD)


def _code(value: Any, most: int) -> Code:
    if value == OTHER or (type(value) is int and 0 <= value <= most):
        code: Code = value
        return code
    raise Unreadable("code")


def _owner(value: Any) -> str:
    if not isinstance(value, str) or not _OWNER.fullmatch(value):
        raise Unreadable("owner")
    return value


def _lists(buckets: Buckets) -> list[list[int]]:
    return [list(compress(buckets.numbers, buckets.counts)), list(filter(None, buckets.counts))]


def _buckets(value: Any, size: int) -> Buckets:
    try:
        numbers, counts = value
        found = Buckets(array("q", numbers), array("Q", counts))
    except (TypeError, ValueError, OverflowError):
        raise Unreadable("buckets") from None
    most = max((*found.numbers, *found.counts), default=0)
    if not len(found.numbers) == len(found.counts) <= size or min(found.numbers, default=0) < 0 or most > _MOST:
        raise Unreadable("buckets")
    return found
