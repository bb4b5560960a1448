"""What an SQL statement does, and to which table, without the values in it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

MAX_TEXT = 500
_OPERATIONS = frozenset(("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"))
_OPERATION = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_NAME = r"""(?:"[^"]{1,128}"|`[^`]{1,128}`|\[[^\]]{1,128}\]|[A-Za-z_][\w$]{0,127})"""
_TABLE = re.compile(rf"\b(?:FROM|INTO|UPDATE|JOIN)\s+(?:ONLY\s+)?(?:{_NAME}\.)?({_NAME})", re.IGNORECASE)
_TEXT = re.compile(r"'(?:[^']|'')*'?|\$(\w*)\$.*?(?:\$\1\$|$)", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w$:.%])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b|\b0x[0-9a-fA-F]+\b")


class Statement(NamedTuple):
    """One kind of statement.

    Attributes:
        operation: `SELECT`, `INSERT`, `UPDATE`, `DELETE`, `MERGE`, or `OTHER`.
        table: the first one named, `none` if there is none.
        text: at most 500 characters, with `?` for values.
    """

    operation: str
    table: str
    text: str


@lru_cache(maxsize=1024)
def describe(sql: str) -> Statement:
    """Return what a statement does."""
    bare = _COMMENT.sub(" ", _TEXT.sub("?", sql[: 16 * MAX_TEXT]))  # texts first: one may look like a comment
    first = bare.split(None, 1)[0].upper() if bare.strip() else ""
    if first == "WITH":
        found = _OPERATION.search(bare)
        first = found.group(1).upper() if found else first
    table = _TABLE.search(bare)
    text = _NUMBER.sub("?", " ".join(bare.split()))
    return Statement(
        first if first in _OPERATIONS else "OTHER",
        table.group(1).strip('"`[]').lower() if table else "none",
        text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…",
    )
