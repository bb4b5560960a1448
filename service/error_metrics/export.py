"""The history as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import re

from .events import ErrorEvent, iso_utc

COLUMNS = ("timestamp", *ErrorEvent._fields[1:])
# What a spreadsheet would run: a formula at the beginning of a cell, also where it takes another separator than ours.
_FORMULA = re.compile(r"^(?=[\t\r])|(^|[;|\t\r\n])([ \"']*)(?=[=+@-])")
_MARK = "\ufeff"  # by which spreadsheets know UTF-8


def as_csv(events: list[ErrorEvent]) -> str:
    """Return one line for each event under a line of names (RFC 4180), for spreadsheets, which run nothing in it."""
    out = io.StringIO()
    out.write(_MARK)
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
    return _FORMULA.sub(r"\1\2'", text) if text else text
