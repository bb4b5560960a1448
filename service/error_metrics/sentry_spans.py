"""A span as its users see it, and the one that does nothing."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol, Self


class Span(Protocol):
    """A timed block: those of the SDK are such, and `NO_SPAN`."""

    def start_child(self, **about: Any) -> Any:
        """Return a span inside this one, to be used with `with`; `op` and `name` tell what it is."""
        ...

    def set_tag(self, key: str, value: Any) -> None:
        """Add a word to search by."""
        ...

    def set_data(self, key: str, value: Any) -> None:
        """Add a value to look at."""
        ...

    def set_status(self, value: str) -> None:
        """Tell how it ended."""
        ...


class NoSpan:
    """Takes everything and does nothing."""

    def start_child(self, **about: Any) -> Self:  # noqa: ARG002
        """Return itself."""
        return self

    def set_tag(self, key: str, value: Any) -> None:
        """Do nothing."""

    def set_data(self, key: str, value: Any) -> None:
        """Do nothing."""

    def set_status(self, value: str) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""


NO_SPAN = NoSpan()
