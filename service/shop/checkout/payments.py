"""Taking money. Cards are settled by a sandbox issuer that knows the test numbers of the card schemes."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Literal

from service.error_metrics.account_numbers import luhn_valid
from service.shop.errors import CodeRequired, InstalmentsNotOffered, PaymentDeclined
from service.shop.faults import Faults

Method = Literal["card", "bank_transfer"]
OFFERED_INSTALMENTS = (1, 3, 6, 12)
DECLINED = {"4000000000000002": "card_declined", "4000000000009995": "insufficient_funds"}
SANDBOX_CODE = "000000"  # what the sandbox's bank sends to every telephone


@dataclass(frozen=True, slots=True)
class Card:
    """How somebody pays. `number` is that of a card or an account, and is kept nowhere."""

    method: Method
    number: str = field(repr=False)
    instalments: int = 1

    def fingerprint(self, key: bytes) -> str:
        """Return what stands for the number elsewhere: the same for the same one, and no way back without the key."""
        return hmac.digest(key, self.number.encode(), "sha256").hex()[:32]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A card, and what is known of whoever pays with it: device, address and country, and the country of the card."""

    card: Card
    device: str
    ip: str
    country: str
    card_country: str


class Issuer:
    """The sandbox.

    Args:
        faults: the switch of the instalment bug.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def instalment(self, total: int, instalments: int) -> int:
        """Return the amount of one instalment, in KRW.

        Raises:
            InstalmentsNotOffered: nobody pays in so many.
        """
        if not self._faults.active("instalment-bug") and instalments not in OFFERED_INSTALMENTS:
            raise InstalmentsNotOffered(detail={"instalments": instalments, "offered": OFFERED_INSTALMENTS})
        return total // instalments  # the bug that the switch uncovers: nobody has checked for 0

    def charge(self, card: Card) -> None:
        """Charge a card.

        Raises:
            PaymentDeclined: nothing was charged; the detail says why.
        """
        reason = DECLINED.get(card.number)
        if reason is None and card.method == "card" and not luhn_valid(card.number):
            reason = "invalid_number"
        if reason is not None:
            raise PaymentDeclined(detail={"reason": reason})

    def confirm(self, code: str | None) -> None:
        """Check the code that the bank has sent to its customer.

        Raises:
            CodeRequired: it is missing or wrong.
        """
        if not hmac.compare_digest((code or "").encode(), SANDBOX_CODE.encode()):
            raise CodeRequired
