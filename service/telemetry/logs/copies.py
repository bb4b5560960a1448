"""Copies of what is logged, bounded in number, depth and size: a line is written later than it is logged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

from service.error_metrics.masking import MAX_TEXT

MAX_FIELDS = 50  # of one mapping or list
MAX_DEPTH = 4
MAX_PARTS = 500  # of one line
MAX_CHARACTERS = 16_384  # of one line
MAX_INTEGER = 1 << 63
_NEVER_CHANGES = (int, float, bool, type(None), Decimal, date, timedelta, UUID)  # and formats as what it is
LEFT_OUT = "…"


def fields_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is logged beside the event."""
    copier = Copier()
    return {copier.text(name): copier.copy(value) for name, value in list(given.items())[:MAX_FIELDS]}


def arguments_of(arguments: Any) -> Any:
    """Return the arguments of a record so that `%` finds in them what it would have found now."""
    copier = Copier()
    if isinstance(arguments, Mapping):
        try:
            return {key: copier.argument(item, copier.copy) for key, item in list(arguments.items())[:MAX_FIELDS]}
        except Exception:  # noqa: BLE001  # a mapping that can't be read
            return copier.text(arguments)
    if isinstance(arguments, tuple):
        return tuple(copier.argument(item, copier.text) for item in arguments)
    return arguments


class Copier:
    """Copies the parts of one line, until it is large enough. Never raises, whatever an object's own code does."""

    def __init__(self) -> None:
        self._parts = MAX_PARTS
        self._characters = MAX_CHARACTERS

    def copy(self, value: Any, depth: int = 0) -> Any:
        """Return a copy as JSON can hold it."""
        self._parts -= 1
        if self._parts < 0:
            return LEFT_OUT
        if isinstance(value, bool | None):
            return value
        if isinstance(value, int) and -MAX_INTEGER <= value < MAX_INTEGER:
            return value
        if isinstance(value, float) and isfinite(value):
            return float(value)
        if depth < MAX_DEPTH and isinstance(value, Mapping | list | tuple | set | frozenset):
            try:
                return self._copy_all(value, depth + 1)
            except Exception:  # noqa: BLE001
                return _unshown(value)
        return self.text(value)

    def text(self, value: Any) -> str:
        """Return a text of at most 4,097 characters: one more than the masker takes, so that it sees the cut."""
        try:
            text = value if isinstance(value, str) else _decoded(value)
        except Exception:  # noqa: BLE001
            return _unshown(value)
        text = text[: min(MAX_TEXT + 1, self._characters)] if self._characters > 0 else LEFT_OUT
        self._characters -= len(text)
        return text if self._characters > 0 else LEFT_OUT  # not the half of a secret, which matches nothing

    def argument(self, value: Any, otherwise: Any) -> Any:
        """Return what never changes as it is, so that `%d` and `%r` still know it."""
        if isinstance(value, int) and not -MAX_INTEGER <= value < MAX_INTEGER:
            return otherwise(value)
        return value if isinstance(value, _NEVER_CHANGES) else otherwise(value)

    def _copy_all(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return {self.text(key): self.copy(item, depth) for key, item in list(value.items())[:MAX_FIELDS]}
        return [self.copy(item, depth) for item in list(value)[:MAX_FIELDS]]


def _decoded(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _unshown(value: Any) -> str:
    return f"<{type(value).__name__} that can't be shown>"
