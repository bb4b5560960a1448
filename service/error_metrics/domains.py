"""Error domains: named ranges of error codes, so that a bare number tells where to look."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

MAX_CODE = 9999
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,31}")


@dataclass(frozen=True)
class ErrorDomain:
    """A named range of error codes, both ends included.

    Built in are AUTH, RESOURCE, VALIDATION, SERVER and CUSTOM; `register` adds more. A code outside every range
    belongs to UNKNOWN.
    """

    name: str
    first: int
    last: int

    AUTH: ClassVar[ErrorDomain]
    RESOURCE: ClassVar[ErrorDomain]
    VALIDATION: ClassVar[ErrorDomain]
    SERVER: ClassVar[ErrorDomain]
    CUSTOM: ClassVar[ErrorDomain]
    UNKNOWN: ClassVar[ErrorDomain]
    _known: ClassVar[dict[str, ErrorDomain]] = {}

    def __str__(self) -> str:
        return self.name

    def __contains__(self, code: int) -> bool:
        return self.first <= code <= self.last

    @classmethod
    def register(cls, name: str, first: int, last: int) -> ErrorDomain:
        """Add a domain. Registering the same name with the same range again returns the one that is there.

        Raises:
            ValueError: the name is not UPPER_CASE, the range is not within 0-9999, or it overlaps another domain.
        """
        domain = cls(name, first, last)
        known = cls._known.get(name)
        if known == domain:
            return known
        domain._check()
        cls._known[name] = domain
        return domain

    @classmethod
    def from_code(cls, code: int) -> ErrorDomain:
        """Return the domain that `code` lies in, UNKNOWN when there is none."""
        return next((domain for domain in cls._known.values() if code in domain), cls.UNKNOWN)

    @classmethod
    def named(cls, name: str) -> ErrorDomain | None:
        """Return the registered domain called `name` in any letter case, or None."""
        wanted = name.upper()
        return cls.UNKNOWN if wanted == cls.UNKNOWN.name else cls._known.get(wanted)

    @classmethod
    def all(cls) -> tuple[ErrorDomain, ...]:
        """Return every registered domain in order of its codes."""
        return tuple(sorted(cls._known.values(), key=lambda domain: domain.first))

    def _check(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"error domain name {self.name!r}: use 1-32 characters of A-Z, 0-9 and _")
        if self.name in (*self._known, "UNKNOWN"):
            raise ValueError(f"error domain {self.name}: the name is taken, choose another")
        whole = type(self.first) is int and type(self.last) is int
        if not whole or not 0 <= self.first <= self.last <= MAX_CODE:
            raise ValueError(
                f"error domain {self.name}: range {self.first}-{self.last} must rise and lie within 0-{MAX_CODE}"
            )
        for other in self._known.values():
            if self.first <= other.last and other.first <= self.last:
                raise ValueError(
                    f"error domain {self.name}: range {self.first}-{self.last} overlaps "
                    f"{other.name} {other.first}-{other.last}"
                )


ErrorDomain.UNKNOWN = ErrorDomain("UNKNOWN", -1, -1)
ErrorDomain.AUTH = ErrorDomain.register("AUTH", 200, 299)
ErrorDomain.RESOURCE = ErrorDomain.register("RESOURCE", 300, 399)
ErrorDomain.VALIDATION = ErrorDomain.register("VALIDATION", 400, 499)
ErrorDomain.SERVER = ErrorDomain.register("SERVER", 500, 599)
ErrorDomain.CUSTOM = ErrorDomain.register("CUSTOM", 900, 999)
