"""What a client is told about an error: the body, as the service's own JSON or as a problem of RFC 9457."""

from __future__ import annotations

import json
import re
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from .classify import classify, message_of, validation_summary
from .errors import BaseAppException
from .events import iso_utc, shorten
from .registry import ExceptionRegistry

JSON, PROBLEM = "application/json", "application/problem+json"
MAX_ANSWER_MESSAGE = 2048
_VARY = (b"vary", b"Accept, Accept-Language")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(slots=True)
class Answer:
    """The parts of an error answer, before they take a form."""

    code: int
    status: int
    name: str
    message: str
    detail: Any
    headers: Mapping[str, str] | None
    timestamp: str
    request_id: str | None = None
    trace_id: str | None = None
    debug: dict[str, Any] | None = None


def describe(exc: Exception) -> Answer:
    """Return what may be told about an exception without showing internals."""
    code, status, name = classify(exc)
    if isinstance(exc, BaseAppException):
        return Answer(code, status, name, exc.message, exc.detail, exc.headers, iso_utc(exc.created))
    now = iso_utc(time.time())
    if isinstance(exc, HTTPException):
        told = exc.detail if isinstance(exc.detail, str) else _phrase(status)
        detail = None if isinstance(exc.detail, str) else exc.detail
        return Answer(code, status, name, told, detail, exc.headers, now)
    if isinstance(exc, ClientDisconnect):
        return Answer(code, status, name, message_of(exc), None, None, now)
    if isinstance(exc, RequestValidationError):
        return Answer(code, status, name, validation_summary(exc), _problems(exc), None, now)
    # Even the name of an unexpected exception is an internal.
    return Answer(code, status, "InternalServerError", "Internal server error", None, None, now)


def least(exc: Exception) -> Answer:
    """Return what can be told when an exception defies being described: code, status and the name of its class."""
    code, status, name = classify(exc)
    if not isinstance(exc, BaseAppException | HTTPException | RequestValidationError):
        name = "InternalServerError"
    return Answer(code, status, name, _phrase(status), None, None, iso_utc(time.time()))


def debugging(exc: Exception, with_traceback: bool) -> dict[str, Any]:
    """Return what only a developer may see."""
    shown: dict[str, Any] = {"exception": shorten(repr(exc), MAX_ANSWER_MESSAGE)}
    if with_traceback:
        shown["traceback"] = traceback.format_exception(exc, limit=-30)
    return shown


def own_body(answer: Answer) -> dict[str, Any]:
    """Return the service's own form of the body."""
    body = {
        "error_code": answer.code,
        "message": shorten(answer.message, MAX_ANSWER_MESSAGE),
        "detail": answer.detail,
        "timestamp": answer.timestamp,
        "error_name": answer.name,
        "request_id": answer.request_id,
        "trace_id": answer.trace_id,
    }
    return body if answer.debug is None else {**body, "debug": answer.debug}


def problem_body(answer: Answer, registry: ExceptionRegistry) -> dict[str, Any]:
    """Return the same facts as RFC 9457 names them; what it has no name for are extension members.

    The type is the code's runbook where the catalogue has one, else `about:blank`, whose title is the status's phrase.
    """
    own = own_body(answer)
    entry = registry.get(answer.code)
    runbook = entry.runbook if entry is not None else ""
    standard = {
        "type": runbook or "about:blank",
        "title": entry.message if entry is not None and runbook else _phrase(answer.status),
        "status": answer.status,
        "detail": own.pop("message"),
    }
    return {**standard, "error_detail": own.pop("detail"), **own}


def render(body: dict[str, Any]) -> bytes:
    """Return JSON. What JSON can't hold is replaced by its type's name, at worst all of `detail`."""
    try:
        return _encode(body)
    except (ValueError, TypeError, RecursionError):
        key = "error_detail" if "error_detail" in body else "detail"
        return _encode({**body, key: "(detail cannot be shown as JSON)"})


def allowed_headers(headers: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Return those of an exception's headers that HTTP allows."""
    if not headers:
        return None
    return {name: str(value) for name, value in headers.items() if _allowed(name, str(value))}


def respond(answer: Answer, body: dict[str, Any], media_type: str) -> Response:
    """Return the response, with the exception's headers."""
    response = Response(render(body), answer.status, allowed_headers(answer.headers), media_type)
    response.raw_headers.append(_VARY)  # among `headers` it would be encoded for every answer
    return response


def _encode(body: dict[str, Any]) -> bytes:
    return _ENCODER.encode(body).encode("utf-8", "replace")


def _stand_in(value: Any) -> Any:
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    return f"<{type(value).__name__}>"


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_stand_in)


def _problems(exc: RequestValidationError) -> list[dict[str, Any]]:
    # `input` and `ctx` would send a client's own password back, and may hold what JSON can't.
    return [{key: error.get(key) for key in ("loc", "msg", "type")} for error in exc.errors()[:50]]


def _allowed(name: object, value: str) -> bool:
    return (
        isinstance(name, str)
        and _HEADER_NAME.fullmatch(name) is not None
        and _HEADER_VALUE.fullmatch(value) is not None
        and name.lower() not in ("content-length", "content-type", "transfer-encoding")
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
