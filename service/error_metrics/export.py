"""The history as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json

from .events import ErrorEvent, iso_utc

COLUMNS = ("timestamp", *ErrorEvent._fields[1:])
_FORMULA = "=+-@\t\r"


def as_csv(events: list[ErrorEvent]) -> str:
    """Return one line for each event under a line of column names (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(map(_row, events))
    return out.getvalue()


def as_json(events: list[ErrorEvent]) -> str:
    """Return a JSON array of the events."""
    rows = [dict(zip(COLUMNS, (iso_utc(event.time), *event[1:]), strict=True)) for event in events]
    return json.dumps(rows, ensure_ascii=False)


def _row(event: ErrorEvent) -> tuple[object, ...]:
    now, code, domain, name, message, status, method, path, request_id, trace_id = event
    texts = (_inert(message), status, _inert(method), _inert(path), _inert(request_id), _inert(trace_id))
    return (iso_utc(now), code, domain, name, *texts)


def _inert(text: str | None) -> str | None:
    # A spreadsheet would run a text of a client's that begins like a formula.
    return f"'{text}" if text and text[0] in _FORMULA else text
