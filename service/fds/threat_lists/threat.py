"""One entry of a list, and the file that lists come in."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import NamedTuple, Protocol

KINDS = ("ip", "network", "card", "device")
CATEGORIES = ("stolen_card", "fraud_ring", "botnet", "proxy")
COLUMNS = ["kind", "value", "category", "score"]
MAX_VALUE = 200


class Threat(NamedTuple):
    """Why something is listed, and how bad that is: 0 to 100 points."""

    category: str
    score: int


class ThreatList(Protocol):
    """Knows what is listed."""

    async def find(self, keys: Sequence[str]) -> list[Threat | None]:
        """Return the entry of each `kind:value`, None for what is not listed.

        Raises:
            Exception: the list can't be asked.
        """
        ...


def read_list(lines: Iterable[str]) -> dict[str, Threat]:
    """Read a list as CSV: `kind,value,category,score` and a line for each entry.

    Raises:
        ValueError: a line is wrong; the message names its number, its column and what belongs there.
    """
    rows = csv.DictReader(lines)
    if rows.fieldnames != COLUMNS:
        raise ValueError(f"line 1: must be {','.join(COLUMNS)}")
    entries: dict[str, Threat] = {}
    try:
        for row in rows:
            key, threat = _entry(row)
            entries[key] = threat
    except ValueError as problem:
        raise ValueError(f"line {rows.line_num}: {problem}") from None
    except csv.Error as problem:
        raise ValueError(f"after line {rows.line_num}: {problem}") from None
    return entries


def _entry(row: dict[str, str]) -> tuple[str, Threat]:
    if None in row or None in row.values():
        raise ValueError(f"must have the {len(COLUMNS)} columns {','.join(COLUMNS)}")
    kind, value, category, score = (row[name].strip() for name in COLUMNS)
    if kind not in KINDS:
        raise ValueError(f"kind: is {kind[:20]!r}, use one of {', '.join(KINDS)}")
    if category not in CATEGORIES:
        raise ValueError(f"category: is {category[:20]!r}, use one of {', '.join(CATEGORIES)}")
    if not score.isdecimal() or len(score) > 3 or int(score) > 100:
        raise ValueError(f"score: is {score[:20]!r}, use a whole number from 0 to 100")
    return f"{kind}:{_value(kind, value)}", Threat(category, int(score))


def _value(kind: str, value: str) -> str:
    if not value or len(value) > MAX_VALUE:
        raise ValueError(f"value: must have 1 to {MAX_VALUE} characters")
    if not value.isprintable():
        raise ValueError("value: must have no line breaks and no other control characters")
    try:
        if kind == "ip":
            return str(ip_address(value))
        if kind == "network":
            network = ip_network(value)
            if network.prefixlen != (24 if network.version == 4 else 48):
                raise ValueError
            return str(network)
    except ValueError:
        example = "an address" if kind == "ip" else "a network of /24, or /48 of IPv6"
        raise ValueError(f"value: is {value[:50]!r}, write {example}") from None
    return value
