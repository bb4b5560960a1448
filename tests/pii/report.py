"""Planting the corpus in every sink, with masking and without, and searching what came through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .corpus import HARMLESS, SECRETS
from .items import Item
from .sinks import SINKS, Sink


class Result(NamedTuple):
    """What one sink let through.

    Attributes:
        sink: its name.
        leaked: secrets that were found although masking was on.
        hidden: look-alikes that were not found although they are harmless.
        overlooked: secrets that were not found with masking off, so that the search proves nothing about them.
    """

    sink: str
    leaked: list[Item]
    hidden: list[Item]
    overlooked: list[Item]

    @property
    def passed(self) -> bool:
        """Whether nothing leaked, nothing harmless was hidden and nothing was overlooked."""
        return not (self.leaked or self.hidden or self.overlooked)


def planted(sink: type[Sink], items: Sequence[Item], masked: bool) -> bytes:
    """Plant items in a new sink and return everything that it wrote."""
    made = sink(masked)
    for item in items:
        made.plant(item)
    return made.arrived()


def search(sink: type[Sink]) -> Result:
    """Try one sink."""
    raw = planted(sink, [*SECRETS, *HARMLESS], masked=True)
    plain = planted(sink, SECRETS, masked=False)
    return Result(
        sink.name,
        [item for item in SECRETS if item.found_in(raw)],
        [item for item in HARMLESS if not item.found_in(raw)],
        [item for item in SECRETS if not item.found_in(plain)],
    )


def table(results: Sequence[Result]) -> Iterator[str]:
    """The report, line by line."""
    yield f"{'sink':<14}{'secrets':>9}{'leaked':>9}{'look-alikes':>13}{'hidden':>9}{'found with masking off':>25}"
    for result in results:
        found = f"{len(SECRETS) - len(result.overlooked)} of {len(SECRETS)}"
        yield (
            f"{result.sink:<14}{len(SECRETS):>9}{len(result.leaked):>9}"
            f"{len(HARMLESS):>13}{len(result.hidden):>9}{found:>25}"
        )
    for result in results:
        for name in ("leaked", "hidden", "overlooked"):
            for item in getattr(result, name):
                yield f"{result.sink}: {name}: {item.kind} in {item.place}: {item.value!r}"


def run() -> list[Result]:
    """Try every sink."""
    return [search(sink) for sink in SINKS]
