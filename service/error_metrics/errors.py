"""The exception tree.

Exception
└── BaseAppException        an error with a code of the catalogue, answered to the client as JSON
    └── your own leaves     a name, a code and a docstring: see `registry.register_exception`
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from .domains import MAX_CODE, ErrorDomain


class BaseAppException(Exception):
    """An error that the service reports on purpose.

    A subclass may set `error_code`, `message` and `status_code` as class attributes (or let
    `@register_exception` do it), so that raising it needs no arguments; arguments win over the class.

    Args:
        error_code: number in 0-9999; its range decides the `ErrorDomain`. A text in its place is the message, as in
            `raise OutOfStock("only 3 are left")`.
        message: one sentence for the client; by default the first line of the class's docstring.
        status_code: HTTP status in 400-599.
        detail: anything JSON can hold; what JSON can't is replaced in the answer, never raised.
        headers: response headers, for example `{"Retry-After": "30"}`.

    Raises:
        ValueError: `error_code` or `status_code` is missing or out of range.
    """

    error_code: int = -1
    message: str = ""
    status_code: int = 400
    detail: Any = None
    headers: Mapping[str, str] | None = None
    _summary: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._summary = first_line(cls)

    def __init__(
        self,
        error_code: int | str | None = None,
        message: str | None = None,
        status_code: int | None = None,
        detail: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if isinstance(error_code, str) and message is None:
            message = error_code
        elif error_code is not None:
            self.error_code = error_code  # type: ignore[assignment]  # checked below
        if status_code is not None:
            self.status_code = status_code
        if message is not None or not self.message:
            self.message = str(message or self._summary or type(self).__name__)
        if detail is not None:
            self.detail = detail
        if headers is not None:
            self.headers = headers
        check_numbers(type(self).__name__, self.error_code, self.status_code)
        self.created = time.time()
        super().__init__(self.message)

    @property
    def error_name(self) -> str:
        """The class's name, as the catalogue and the answer show it."""
        return type(self).__name__

    @property
    def domain(self) -> ErrorDomain:
        """The domain that the code lies in."""
        return ErrorDomain.from_code(self.error_code)

    @property
    def timestamp(self) -> datetime:
        """When the exception was made, in UTC."""
        return datetime.fromtimestamp(self.created, UTC)

    def to_dict(self) -> dict[str, Any]:
        """Return what the client is told, without the request's ids."""
        return {
            "error_code": self.error_code,
            "message": self.message,
            "detail": self.detail,
            "timestamp": self.timestamp.isoformat(),
            "error_name": self.error_name,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own would call the class with the message as the error code.
        return _restore, (type(self), self.__dict__.copy(), self.args)


def _restore(cls: type[BaseAppException], state: dict[str, Any], args: tuple[Any, ...]) -> BaseAppException:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    error.args = args
    return error


def first_line(cls: type) -> str:
    """Return the first line of a class's own docstring, without its full stop."""
    own = cls.__dict__.get("__doc__") or ""
    return inspect.cleandoc(own).split("\n", 1)[0].removesuffix(".")


def check_numbers(owner: str, code: object, status: object) -> None:
    """Raise ValueError unless `code` is an int in 0-9999 and `status` one in 400-599."""
    if type(code) is not int or not 0 <= code <= MAX_CODE:
        raise ValueError(f"{owner}: error_code must be an integer in 0-{MAX_CODE}, got {code!r}")
    if not isinstance(status, int) or not 400 <= status <= 599:
        raise ValueError(f"{owner}: status_code must be an integer in 400-599, got {status!r}")
