"""What is judged. Nothing here, or in any file of the judgement, knows HTTP, SQL or Redis."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transaction:
    """A payment before it is made. It carries no card number and no name.

    Attributes:
        transaction_id: unique; a decision is labelled by it.
        user_id: who pays.
        amount: whole KRW.
        payment_method: such as `card`.
        card: a fingerprint of the card or account, always the same for the same one.
        device: what the client says it is, empty if it says nothing.
        ip: the client's address.
        country: where the client is, ISO 3166-1 alpha-2.
        card_country: where the card was issued, likewise.
        account_age_days: how long ago the user registered.
        at: seconds since the epoch.
    """

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
    at: float
