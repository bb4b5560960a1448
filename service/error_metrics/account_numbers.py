"""Numbers of cards and accounts, told from other numbers by their check digits."""

from __future__ import annotations

import re
from functools import partial

# 13 to 19 digits in one piece or grouped as on a card, not part of a hash, an identifier or a fraction (ISO/IEC 7812).
_CARD = re.compile(
    r"(?<![0-9A-Fa-f.-])(?:[2-6]\d{12,18}"
    r"|[2-6]\d{3}([ +-]|%20)\d{4}\1\d{4}\1(?:\d{4}(?P<tail>\1\d{1,3})|\d{1,7})|3\d{3}([ +-]|%20)\d{6}\3\d{4,5})"
    r"(?![0-9A-Fa-f-])"
)
# Country, check digits and up to 30 characters, in one piece or in fours (ISO 13616).
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)\b")


def without_account_numbers(text: str, mask: str) -> str:
    """Return `text` with `mask` for the numbers of cards and accounts."""
    return _IBAN.sub(partial(_hide_iban, mask), _CARD.sub(partial(_hide_card, mask), text))


def luhn_valid(digits: str) -> bool:
    """Tell whether a run of digits has a valid check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        digit = int(char) * (2 if place % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def iban_valid(text: str) -> bool:
    """Tell whether an account number has valid check digits (ISO 7064, modulus 97)."""
    compact = text.replace(" ", "")
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _hide_card(mask: str, match: re.Match[str]) -> str:
    whole, tail = match.group(), match.group("tail") or ""
    if luhn_valid(_digits(whole)):
        return mask
    # What looks like the end of a number of 19 digits may be the next word.
    return mask + tail if tail and luhn_valid(_digits(whole.removesuffix(tail))) else whole


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text.replace("%20", "")))


def _hide_iban(mask: str, match: re.Match[str]) -> str:
    return mask if iban_valid(match.group()) else match.group()
