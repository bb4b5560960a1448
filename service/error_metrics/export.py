"""The history as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json

from .events import ErrorEvent

COLUMNS = (
    "timestamp",
    "error_code",
    "error_domain",
    "error_name",
    "status_code",
    "method",
    "path",
    "message",
    "request_id",
    "trace_id",
)


def as_csv(events: list[ErrorEvent]) -> str:
    """Return one line for each event under a line of column names (RFC 4180)."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows({key: _inert(value) for key, value in event.to_dict().items()} for event in events)
    return out.getvalue()


def as_json(events: list[ErrorEvent]) -> str:
    """Return a JSON array of the events."""
    return json.dumps([event.to_dict() for event in events], ensure_ascii=False)


def _inert(value: object) -> object:
    # A spreadsheet would run a message that begins like a formula.
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
