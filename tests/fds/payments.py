"""Payments to judge."""

from __future__ import annotations

from typing import Any

from service.fds.history import Past
from service.fds.transaction import Transaction

NOW = 1_700_000_000.0


def payment(**changes: Any) -> Transaction:
    """Return an ordinary payment of somebody who has been here for a year, with changes."""
    facts = {
        "transaction_id": "t1",
        "user_id": "u1",
        "amount": 30_000,
        "payment_method": "card",
        "card": "c1",
        "device": "d1",
        "ip": "198.18.0.1",
        "country": "KR",
        "card_country": "KR",
        "account_age_days": 365.0,
        "at": NOW,
    }
    return Transaction(**{**facts, **changes})


def past(**changes: Any) -> Past:
    """Return the past of somebody who pays about 30,000 KRW with the same telephone, with changes."""
    facts = {
        "payments": 20,
        "mean": 30_000.0,
        "deviation": 10_000.0,
        "known_device": True,
        "known_country": True,
        "last_country": "KR",
        "last_at": NOW - 86_400,
    }
    return Past(**{**facts, **changes})
