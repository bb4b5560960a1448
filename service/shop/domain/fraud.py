"""What the shop asks of a fraud check, whoever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Decision = Literal["approve", "additional_auth", "hold", "block", "unavailable"]
DECISIONS: tuple[Decision, ...] = ("approve", "additional_auth", "hold", "block", "unavailable")


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """What is told of a payment. `card` is a fingerprint; `amount` is in whole KRW."""

    transaction_id: str
    user_id: str
    amount: int
    payment_method: str
    card: str
    device: str
    ip: str
    country: str
    card_country: str
    account_age_days: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is answered; `unavailable` when nobody was there to ask, and then the order is reviewed by a person."""

    decision: Decision
    score: int = 0
    factors: tuple[str, ...] = ()


UNAVAILABLE = Verdict("unavailable")


class FraudCheck(Protocol):
    """Judges payments."""

    async def evaluate(self, facts: PaymentFacts) -> Verdict:
        """Return the verdict, `UNAVAILABLE` if there is none to be had. Never raises."""
        ...
