"""What an event or a line tells of its request, masked: quickly where nothing can be hidden in it."""

from __future__ import annotations

import re
from collections.abc import Callable

from .events import MAX_WORD, shorten
from .masking import MASK, MAX_KEYS, MAX_TEXT, cut, encodable
from .measurement import METHODS

_OWN_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The names in a template are the application's own, though `{token:path}` reads like a token.
_PARAMETER = re.compile(r"(\{[A-Za-z_]\w{0,63}(?::[A-Za-z_]\w{0,31})?\})")


class Told:
    """Masks methods, paths and ids.

    Args:
        text: masks any text.
    """

    def __init__(self, text: Callable[[str], str]) -> None:
        self._text = text
        self._harmless: set[str] = set()  # paths that hold nothing to hide: templates come again and again

    def method(self, value: object) -> str | None:
        """Return one of the known methods as it is; a client may send anything as one."""
        if value is None or (isinstance(value, str) and value in METHODS):
            return value
        return shorten(self._text(str(value)), MAX_WORD)  # masked before it is cut: half a secret matches nothing

    def path(self, value: object) -> str | None:
        """Return a route template with its parameters as they are."""
        if value is None or (isinstance(value, str) and value in self._harmless):
            return value
        parts = _PARAMETER.split(cut(str(value), MAX_TEXT))
        whole = "".join(part if number % 2 else self._text(part) for number, part in enumerate(parts))
        masked = shorten(whole, MAX_WORD)
        if masked == value:
            if len(self._harmless) >= MAX_KEYS:
                self._harmless.clear()
            self._harmless.add(masked)
        return masked

    def identifier(self, value: object) -> str | None:
        """Return an id as it is, or `***` for one that holds something to hide; UUIDs and our own hold nothing."""
        if value is None:
            return None
        known = encodable(str(value))
        return shorten(known, MAX_WORD) if is_own_id(known) or self._text(known) == known else MASK


def is_own_id(text: str) -> bool:
    """Tell whether a text looks like an id that we make, or like a UUID: nobody is known by it."""
    return _OWN_ID.fullmatch(text) is not None
