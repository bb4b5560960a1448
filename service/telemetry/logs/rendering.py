"""From a line to its text."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from service.error_metrics.events import iso_utc, shorten
from service.error_metrics.masking import MAX_TEXT, Masker, encodable
from service.error_metrics.told import Told

from .exceptions import summary_of
from .lines import ExceptionSummary, Line

MAX_FRAMES = 30
MAX_PATH = 1024
MAX_EVENT = MAX_TEXT + 2  # and the ellipsis of a text that was cut
# The names of docs/log-line.schema.json: a field of the code's own that is called alike gets a `_` behind it.
RESERVED = frozenset(
    (
        *("timestamp", "level", "event", "logger", "service", "version", "environment"),
        *("request_id", "trace_id", "span_id", "method", "endpoint", "path", "status_code", "duration_ms"),
        *("client_ip", "error_code", "error_name", "error_type", "error_message", "error_place", "traceback"),
    )
)
# JSON leaves these as they are, though terminals take some for escape codes and many readers some for line feeds.
_CONTROLS = re.compile("[\x80-\x9f\u2028\u2029]")
_BLOCKS = ("stack", "exception")  # which the renderer for people puts below the line


class Renderer:
    """Makes the text of lines, masked.

    Args:
        facts: what every line tells: service, version, environment.
        masker: hides personal data and secrets; None hides nothing.
        console: for people, rather than one JSON object a line.
        colours: whether those people look at a terminal.
        tracebacks: whether exceptions come with theirs.
    """

    def __init__(
        self,
        facts: Mapping[str, str],
        masker: Masker | None,
        *,
        console: bool = False,
        colours: bool = False,
        tracebacks: bool = True,
    ) -> None:
        self._facts = dict(facts)
        self._masker = masker
        self._ids = Told(masker.text if masker is not None else encodable)
        self._tracebacks = tracebacks
        self._console = console
        self._render: Callable[..., Any] = (
            structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
            if console
            else _as_json
        )

    def __call__(self, line: Line) -> bytes:
        """Return a line as UTF-8 with its line feed."""
        entry = self._entry(line)
        text = self._render(None, "", self._for_people(entry) if self._console else entry)
        if not text.isascii():
            text = _CONTROLS.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
        return f"{text}\n".encode("utf-8", "replace")  # readers of JSON refuse an escaped surrogate, too

    def _for_people(self, entry: dict[str, Any]) -> dict[str, Any]:
        for name in self._facts:
            del entry[name]  # the same on every line, and whoever reads this knows
        if "traceback" in entry:
            entry["exception"] = entry.pop("traceback")
        return {
            _harmless(name): _indented(value) if name in _BLOCKS else _harmless(value) for name, value in entry.items()
        }

    def _entry(self, line: Line) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "timestamp": iso_utc(line.time),
            "level": line.level,
            "event": line.event if line.request_line else self._text(_formatted(line)),
            "logger": line.logger,
            **self._facts,
        }
        if line.request_id is not None:
            entry["request_id"] = self._ids.identifier(line.request_id)  # a client may choose it
        for name in ("trace_id", "span_id"):
            value = getattr(line, name)
            if value is not None:
                entry[name] = value
        for name, value in self._fields(line).items():
            entry[f"{name}_" if name in RESERVED and not line.request_line else name] = value
        if line.exception is not None:
            entry.update(self._told(line.exception))
        return entry

    def _fields(self, line: Line) -> dict[str, Any]:
        if self._masker is None or not line.fields:
            return dict(line.fields)
        if line.request_line:  # of all that it tells, clients choose the path only
            return {**line.fields, "path": shorten(self._masker.text(line.fields["path"]), MAX_PATH)}
        masked: dict[str, Any] = self._masker.value(line.fields)
        return masked

    def _text(self, text: str) -> str:
        return shorten(self._masked(text), MAX_EVENT)  # `pwd=a` becomes longer by being masked

    def _masked(self, text: str) -> str:
        return text[:MAX_TEXT] if self._masker is None else self._masker.text(text)

    def _told(self, exc: BaseException | ExceptionSummary) -> dict[str, str]:
        summary = summary_of(exc)
        told = {"error_type": summary.type, "error_message": self._text(summary.message)}
        if summary.place is not None:
            told["error_place"] = summary.place
        if self._tracebacks and isinstance(exc, BaseException):
            text = "".join(traceback.format_exception(type(exc), exc, exc.__traceback__, limit=-MAX_FRAMES))
            masked = self._masked(_end_of(text))
            told["traceback"] = masked if len(masked) <= MAX_TEXT else "…" + masked[1 - MAX_TEXT :]
        return told


# structlog's renderer makes an encoder for each line, which takes as long as the encoding.
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=repr).encode


def _as_json(_logger: object, _name: str, entry: dict[str, Any]) -> str:
    return _ENCODE(entry)


def _harmless(value: Any) -> Any:
    """Return a text with escapes for all that can forge lines or colours; of other values the renderer shows `repr`."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)


def _indented(value: Any) -> str:
    """Return lines that can't be taken for log lines."""
    return "\n".join(f"  {_harmless(line)}" for line in str(value).split("\n"))


def _formatted(line: Line) -> str:
    if not line.arguments:
        return line.event
    try:
        text: str = line.event % line.arguments
        return text
    except (TypeError, ValueError, KeyError, OverflowError):  # a mistake where it was logged: better than no line
        return f"{line.event} {line.arguments}"


def _end_of(text: str) -> str:
    """Return the last 4,096 characters: what a traceback says last matters most."""
    if len(text) <= MAX_TEXT:
        return text
    return "…\n" + text[-(MAX_TEXT - 2) :].partition("\n")[2]
