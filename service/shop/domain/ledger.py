"""Money as double entries: what one account gets, another gives, so that all entries add up to zero."""

from __future__ import annotations

from typing import Literal, NamedTuple

Account = Literal["issuer", "sales"]


class Entry(NamedTuple):
    """A change of an account, in whole KRW."""

    account: Account
    amount: int


def charge(amount: int) -> tuple[Entry, Entry]:
    """Return the entries of a payment: the issuer owes us what we have sold."""
    return Entry("issuer", amount), Entry("sales", -amount)


def refund(amount: int) -> tuple[Entry, Entry]:
    """Return the entries that take a payment back."""
    return Entry("issuer", -amount), Entry("sales", amount)
