"""What an SQL statement does, and to which table, without the values in it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

MAX_TEXT, MAX_READ = 500, 8000
_OPERATIONS = frozenset(("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"))
_OPERATION = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_NAME = r"""(?:"[^"]{1,128}"|`[^`]{1,128}`|\[[^\]]{1,128}\]|[A-Za-z_][\w$]{0,127})"""
_TABLE = re.compile(rf"\b(?:FROM|INTO|UPDATE|JOIN)\s+(?:ONLY\s+)?(?:{_NAME}\.)?({_NAME})", re.IGNORECASE)
# One look from left to right, because each of these may hold what looks like the beginning of another.
_PIECE = re.compile(
    r"(?P<comment>/\*.*?(?:\*/|$)|--[^\n]*)"
    r"|(?P<text>[eE]'(?:\\.|''|[^'\\])*'?|'(?:[^']|'')*'?|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$))"
    r"|(?P<name>\"(?:[^\"]|\"\")*\"?|`[^`]*`?|\[[^\]]*\]?)"
    r"|(?P<number>(?<![\w$:.])(?:0x[0-9a-fA-F]+|\.?\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?)(?![\w]))",
    re.DOTALL,
)
_PLAIN_NAME = re.compile(r"[\"`\[][A-Za-z_][\w$]{0,127}[\"`\]]")


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


def describe(sql: str) -> Statement:
    """Return what a statement does, as far as its first 8,000 characters tell."""
    return _describe(sql[:MAX_READ])


@lru_cache(maxsize=1024)
def _describe(sql: str) -> Statement:
    bare = " ".join(_PIECE.sub(_without_values, sql).split())
    first = bare.split(None, 1)[0].upper() if bare else ""
    if first == "WITH":
        found = _OPERATION.search(bare)
        first = found.group(1).upper() if found else first
    table = _TABLE.search(bare)
    return Statement(
        first if first in _OPERATIONS else "OTHER",
        table.group(1).strip('"`[]').lower() if table else "none",
        bare if len(bare) <= MAX_TEXT else bare[: MAX_TEXT - 1] + "…",
    )


def _without_values(piece: re.Match[str]) -> str:
    if piece["comment"] is not None:
        return " "
    if piece["name"] is not None:
        # Some databases take a text in double quotes, and a name with blanks in it may be one.
        return piece.group() if _PLAIN_NAME.fullmatch(piece.group()) else "?"
    return "?"
