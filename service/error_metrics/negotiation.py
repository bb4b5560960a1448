"""Reading `Accept` and `Accept-Language`: which of the offered values a client likes best (RFC 9110, section 12.5)."""

from __future__ import annotations

MAX_HEADER = 1000
MAX_PARTS = 20


def qualities(header: str) -> list[tuple[str, float]]:
    """Return the values of a header with their weights, the best first; what can't be read weighs nothing."""
    parts = [_weighed(part) for part in header[:MAX_HEADER].split(",")[:MAX_PARTS]]
    return sorted((part for part in parts if part[0]), key=lambda part: -part[1])


def prefers(header: str, media_type: str, other: str) -> bool:
    """Tell whether a client names this media type, and likes it no less than another that it may name as well."""
    if media_type not in header.lower():
        return False
    weights = dict(qualities(header))
    wanted = weights.get(media_type, 0.0)
    return wanted > 0 and wanted >= weights.get(other, 0.0)


def acceptable_locales(header: str, offered: frozenset[str]) -> list[str]:
    """Return the offered locales that a client accepts, the best first.

    `zh-Hant-TW` is satisfied by `zh-Hant`, and that by `zh` (RFC 4647, section 3.4).
    """
    found: list[str] = []
    for value, weight in qualities(header):
        candidate = value if weight > 0 else ""
        while candidate and candidate not in offered:
            candidate = candidate.rpartition("-")[0]
        if candidate and candidate not in found:
            found.append(candidate)
    return found


def _weighed(part: str) -> tuple[str, float]:
    value, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return value, float(parameter[2:])
            except ValueError:
                return value, 0.0
    return value, 1.0
