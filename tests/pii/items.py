"""One piece of the corpus."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

# Where Sentry gets an item; a sink that has no such places writes the item's text.
PLACES = (
    "message",
    "cause",
    "note",
    "local",
    "breadcrumb",
    "breadcrumb_data",
    "extra",
    "context",
    "tag",
    "key",
    "user",
    "query",
    "header",
    "log",
    "span",
)


@dataclass(frozen=True)
class Item:
    """A secret, or a look-alike, and the value in which it appears.

    Attributes:
        kind: what it is, for the report.
        secret: what must not be found (what must be, of a look-alike): a part of the value.
        value: a text, bytes, or nested mappings and lists.
        place: where it is planted, one of `PLACES`.
    """

    kind: str
    secret: str
    value: Any
    place: str = "message"

    @property
    def text(self) -> str:
        """The value as one text."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, bytes):
            return self.value.decode("utf-8", "replace")
        return json.dumps(self.value, default=repr)

    def found_in(self, raw: bytes) -> bool:
        """Tell whether the secret is among the bytes, as it is or as JSON, CSV and `repr` write it."""
        quoted = json.dumps(self.secret)[1:-1]
        forms = {self.secret, quoted, json.dumps(quoted)[1:-1], self.secret.replace('"', '""')}
        return any(form.encode() in raw for form in forms)
