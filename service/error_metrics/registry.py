"""The catalogue of error codes: what each means, how bad it is, who owns it and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from .domains import ErrorDomain
from .errors import BaseAppException, check_numbers, first_line

Severity = Literal["info", "warning", "error", "critical"]
E = TypeVar("E", bound=type[BaseAppException])

# Errors that the framework raises itself share these codes, so that they are counted like any other.
AUTH_CODE, RESOURCE_CODE, CLIENT_CODE, VALIDATION_CODE, SERVER_CODE, UNHANDLED_CODE = (
    299,
    399,
    498,
    499,
    598,
    599,
)


@dataclass(frozen=True)
class CatalogueEntry:
    """One known error code.

    `send_to_sentry` asks for a report although the status is below 500 (5xx and unhandled ones always go).
    """

    code: int
    name: str
    message: str
    status: int
    severity: Severity
    team: str = ""
    runbook: str = ""
    send_to_sentry: bool = False

    @property
    def domain(self) -> ErrorDomain:
        """The domain that the code lies in."""
        return ErrorDomain.from_code(self.code)


FRAMEWORK_ENTRIES = (
    CatalogueEntry(AUTH_CODE, "AccessDenied", "Not signed in, or not allowed", 401, "warning"),
    CatalogueEntry(RESOURCE_CODE, "RouteError", "No such path, method or resource", 404, "info"),
    CatalogueEntry(CLIENT_CODE, "ClientError", "The request cannot be served as it is", 400, "warning"),
    CatalogueEntry(VALIDATION_CODE, "ValidationError", "The request does not fit the schema", 422, "info"),
    CatalogueEntry(SERVER_CODE, "ServerError", "The service gave up on the request", 500, "error"),
    CatalogueEntry(UNHANDLED_CODE, "InternalServerError", "Internal server error", 500, "critical"),
)


class ExceptionRegistry:
    """Known codes by number. A code means one thing: registering it twice is an error."""

    def __init__(self) -> None:
        self._entries: dict[int, CatalogueEntry] = {}
        self._owners: dict[int, str] = {}
        for entry in FRAMEWORK_ENTRIES:
            self.add(entry, "the framework's own errors")

    def add(self, entry: CatalogueEntry, owner: str) -> None:
        """Enter a code on behalf of `owner`, the dotted name of its class.

        Raises:
            ValueError: another owner has the code already, or a number is out of range.
        """
        check_numbers(entry.name, entry.code, entry.status)
        if entry.severity not in get_args(Severity):
            raise ValueError(f"{entry.name}: severity must be one of {get_args(Severity)}, got {entry.severity!r}")
        holder = self._owners.get(entry.code)
        if holder is not None:
            raise ValueError(f"error code {entry.code} of {owner} already belongs to {holder}, choose a free one")
        self._entries[entry.code] = entry
        self._owners[entry.code] = owner

    def get(self, code: int) -> CatalogueEntry | None:
        """Return the entry of a code, or None when nobody registered it."""
        return self._entries.get(code)

    def __contains__(self, code: int) -> bool:
        return code in self._entries

    def __iter__(self) -> Iterator[CatalogueEntry]:
        return iter(sorted(self._entries.values(), key=lambda entry: entry.code))

    def __len__(self) -> int:
        return len(self._entries)


default_registry = ExceptionRegistry()


def register_exception(
    code: int,
    message: str | None = None,
    *,
    status: int | None = None,
    severity: Severity | None = None,
    team: str = "",
    runbook: str = "",
    send_to_sentry: bool = False,
    registry: ExceptionRegistry | None = None,
) -> Callable[[E], E]:
    """Class decorator: enter a `BaseAppException` subclass in the catalogue and set its code, message and status.

    Args:
        code: number in 0-9999 that no other class has.
        message: one sentence for the client; by default the class's own, else the first line of the docstring.
        status: HTTP status in 400-599; by default the class's own `status_code`, else 400.
        severity: `info`, `warning`, `error` or `critical`; by default `warning` below 500, else `error`.
        team: who is called, the `team` label of alerts.
        runbook: address of the page that says what to do.
        send_to_sentry: report it although its status is below 500.
        registry: another catalogue than the process's own, for tests.

    Raises:
        ValueError: the code is taken (both classes are named) or a number is out of range.
        TypeError: the class is no subclass of `BaseAppException`.
    """

    def enter(cls: E) -> E:
        if not issubclass(cls, BaseAppException):
            raise TypeError(f"{cls.__qualname__}: only subclasses of BaseAppException have codes, derive it from that")
        answered = cls.status_code if status is None else status
        text = message or cls.__dict__.get("message") or first_line(cls) or cls.__name__
        level: Severity = severity or ("warning" if answered < 500 else "error")
        entry = CatalogueEntry(code, cls.__name__, text, answered, level, team, runbook, send_to_sentry)
        (default_registry if registry is None else registry).add(entry, f"{cls.__module__}.{cls.__qualname__}")
        cls.error_code, cls.message, cls.status_code = code, text, answered
        return cls

    return enter
