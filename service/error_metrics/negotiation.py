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


def best_locale(header: str, offered: frozenset[str]) -> str | None:
    """Return the offered locale that a client prefers; `de-CH` is satisfied by `de`. None when there is none."""
    for value, weight in qualities(header):
        if weight <= 0:
            continue
        for candidate in (value, value.split("-", 1)[0]):
            if candidate in offered:
                return candidate
    return None


def _weighed(part: str) -> tuple[str, float]:
    value, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return value, float(parameter[2:])
            except ValueError:
                return value, 0.0
    return value, 1.0
