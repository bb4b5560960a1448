"""Which code, status and name an exception has: the one place that knows the framework's exceptions."""

from __future__ import annotations

from fastapi.exceptions import RequestValidationError, ValidationException, WebSocketRequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from .errors import BaseAppException
from .registry import (
    AUTH_CODE,
    CLIENT_CODE,
    FRAMEWORK_ENTRIES,
    RESOURCE_CODE,
    SERVER_CODE,
    UNHANDLED_CODE,
    VALIDATION_CODE,
)

_INVALID = (RequestValidationError, WebSocketRequestValidationError)
_NAMES = {entry.code: entry.name for entry in FRAMEWORK_ENTRIES}
CLIENT_CLOSED_REQUEST = 499  # nginx's number for a client that left before its answer
_BY_STATUS = {401: AUTH_CODE, 403: AUTH_CODE, 404: RESOURCE_CODE, 405: RESOURCE_CODE, 410: RESOURCE_CODE}


def classify(exc: BaseException) -> tuple[int, int, str]:
    """Return code, status and name of any exception; what nobody handles is 599 with status 500."""
    if isinstance(exc, BaseAppException):
        return (exc.error_code, exc.status_code, type(exc).__name__)
    if isinstance(exc, HTTPException):
        status = exc.status_code if exc.status_code < 600 else 500  # HTTP has no such status, servers refuse it
        code = code_of_status(status)
        return (code, status, _NAMES[code])
    if isinstance(exc, _INVALID):
        return (VALIDATION_CODE, 422, _NAMES[VALIDATION_CODE])
    if isinstance(exc, ClientDisconnect):  # the client's doing, whatever the application made of it
        return (CLIENT_CODE, CLIENT_CLOSED_REQUEST, _NAMES[CLIENT_CODE])
    return (UNHANDLED_CODE, 500, type(exc).__name__)


def code_of_status(status: int) -> int:
    """Return the reserved code of an HTTP status that the framework raised."""
    return _BY_STATUS.get(status) or (SERVER_CODE if status >= 500 else CLIENT_CODE)


def message_of(exc: BaseException) -> str:
    """Return one line that says what went wrong, without the values that a client sent."""
    if isinstance(exc, BaseAppException):
        return exc.message
    if isinstance(exc, HTTPException):
        return exc.detail if isinstance(exc.detail, str) else str(exc.detail)
    if isinstance(exc, _INVALID):
        return _places(exc)
    if isinstance(exc, ClientDisconnect):
        return "the client left before its request was complete"
    if isinstance(exc, ValidationError):  # its text holds the values
        return f"{type(exc).__name__}: {exc.error_count()} in {exc.title}, " + _places(exc)
    if isinstance(exc, ValidationException):  # as does that of FastAPI's, on several lines
        return f"{type(exc).__name__}: {_places(exc)}"
    try:
        return f"{type(exc).__name__}: {exc}"
    except Exception:  # noqa: BLE001  # its own code fails
        return type(exc).__name__


def validation_summary(exc: RequestValidationError) -> str:
    """Return the places that did not validate, for example `invalid: body.quantity, query.limit`."""
    return _places(exc)


def _places(exc: ValidationException | ValidationError) -> str:
    places = [".".join(str(part) for part in error.get("loc", ())) for error in exc.errors()[:10]]
    return "invalid: " + ", ".join(places)
