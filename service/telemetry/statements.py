"""What an SQL statement does, and to which table, without the values in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

MAX_TEXT, MAX_READ = 500, 8000
_OPERATIONS = frozenset(("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"))
_NAME = r"""(?:"[^"]{1,128}"|`[^`]{1,128}`|\[[^\]]{1,128}\]|[A-Za-z_][\w$]{0,127})"""
_TOKEN = re.compile(
    r"[()]|\b(?P<word>SELECT|INSERT|DELETE|MERGE|(?<!\bDISTINCT )FROM|INTO|JOIN|UPDATE)\b"
    r"(?:(?:(?<=UPDATE)(?: OR \w+| LOW_PRIORITY| IGNORE){0,2}|(?<=FROM)|(?<=INTO)|(?<=JOIN))"
    rf" (?:ONLY )?(?:{_NAME}\.)?(?P<table>{_NAME}))?",
    re.IGNORECASE,
)
_COMMON_TABLE = re.compile(rf"({_NAME}) ?(?:\([^()]*\) ?)?\bAS ?(?:NOT )?(?:MATERIALIZED ?)?\(", re.IGNORECASE)
# One look from left to right, because each of these may hold what looks like the beginning of another.
_PIECE = re.compile(
    r"(?P<comment>/\*.*?(?:\*/|$)|--[^\n]*)"
    r"|(?P<text>[eE]'(?:\\.|''|[^'\\])*'?|'(?:[^']|'')*'?|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$))"
    r"|(?P<name>\"(?:[^\"]|\"\")*\"?|`[^`]*`?|\[[^\]]*\]?)"
    r"|(?P<number>(?<![\w$:.])(?:0[xXbBoO][0-9a-fA-F_]+|\.?\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?)(?![\w]))",
    re.DOTALL,
)
_PLAIN_NAME = re.compile(r"[\"`\[][A-Za-z_][\w$]{0,127}[\"`\]]")


class Statement(NamedTuple):
    """One kind of statement.

    Attributes:
        operation: `SELECT`, `INSERT`, `UPDATE`, `DELETE`, `MERGE`, or `OTHER`; after `WITH` that of the main statement.
        table: the first one named, after `WITH` by the main statement; `none` if there is none.
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
    operation, table = _operation_and_table(bare)
    text = bare if len(bare) <= MAX_TEXT else bare[: MAX_TEXT - 1] + "…"
    return Statement(operation if operation in _OPERATIONS else "OTHER", table or "none", text)


def _operation_and_table(bare: str) -> tuple[str, str | None]:
    """Return the first word and the first table; after common table expressions, those of the statement behind them."""
    first, tokens = bare.partition(" ")[0].upper(), list(_tokens(bare))
    tables = [table for _, _, table in tokens if table]
    if first == "WITH":
        main = next((place for place, (depth, word, _) in enumerate(tokens) if not depth and word in _OPERATIONS), None)
        if main is not None:
            first = tokens[main][1]
            common = {_plain(name) for name in _COMMON_TABLE.findall(bare)}
            behind = [table for _, _, table in tokens[main:] if table]
            tables = [table for table in behind + tables if table not in common] or tables
    return first, tables[0] if tables else None


def _tokens(bare: str) -> Iterator[tuple[int, str, str]]:
    """Yield words with how deep in parentheses they are, and with the table that they name, if any."""
    queries = [True]  # for each open parenthesis whether a query is in it: `EXTRACT(year FROM created)` names no table
    for token in _TOKEN.finditer(bare):
        if token.group() == "(":
            queries.append(False)
        elif token.group() == ")":
            del queries[max(1, len(queries) - 1) :]
        else:
            word = token["word"].upper()
            queries[-1] |= word in _OPERATIONS
            yield len(queries) - 1, word, _plain(token["table"] or "") if queries[-1] or word != "FROM" else ""


def _plain(name: str) -> str:
    return name.strip('"`[]').lower()


def _without_values(piece: re.Match[str]) -> str:
    if piece["comment"] is not None:
        return " "
    if piece["name"] is not None:
        # Some databases take a text in double quotes, and a name with blanks in it may be one. One that looks like a
        # name (`name = "Kim"`) can't be told from one, and stays: bound values and single quotes are hidden for sure.
        return piece.group() if _PLAIN_NAME.fullmatch(piece.group()) else "?"
    return "?"
