"""Which code, status and name an exception has: the one place that knows the framework's exceptions."""

from __future__ import annotations

from typing import NamedTuple

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from .errors import BaseAppException
from .registry import AUTH_CODE, CLIENT_CODE, RESOURCE_CODE, SERVER_CODE, UNHANDLED_CODE, VALIDATION_CODE

_BY_STATUS = {401: AUTH_CODE, 403: AUTH_CODE, 404: RESOURCE_CODE, 405: RESOURCE_CODE, 410: RESOURCE_CODE}


class Facts(NamedTuple):
    """What is counted of an exception."""

    code: int
    status: int
    name: str


def classify(exc: BaseException) -> Facts:
    """Return code, status and public name of any exception; what nobody handles is 599 with status 500."""
    if isinstance(exc, BaseAppException):
        return Facts(exc.error_code, exc.status_code, type(exc).__name__)
    if isinstance(exc, HTTPException):
        return Facts(code_of_status(exc.status_code), exc.status_code, type(exc).__name__)
    if isinstance(exc, RequestValidationError):
        return Facts(VALIDATION_CODE, 422, "ValidationError")
    return Facts(UNHANDLED_CODE, 500, type(exc).__name__)


def code_of_status(status: int) -> int:
    """Return the reserved code of an HTTP status that the framework raised."""
    return _BY_STATUS.get(status) or (SERVER_CODE if status >= 500 else CLIENT_CODE)


def message_of(exc: BaseException) -> str:
    """Return one line that says what went wrong, without the values that a client sent."""
    if isinstance(exc, BaseAppException):
        return exc.message
    if isinstance(exc, HTTPException):
        return exc.detail if isinstance(exc.detail, str) else str(exc.detail)
    if isinstance(exc, RequestValidationError):
        return validation_summary(exc)
    return f"{type(exc).__name__}: {exc}"


def validation_summary(exc: RequestValidationError) -> str:
    """Return the places that did not validate, for example `invalid: body.quantity, query.limit`."""
    places = [".".join(str(part) for part in error.get("loc", ())) for error in exc.errors()[:10]]
    return "invalid: " + ", ".join(places)
