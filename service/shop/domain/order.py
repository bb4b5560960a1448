"""The life of an order.

pending → processing → shipped → delivered
   └──────────┴→ cancelled
"""

from __future__ import annotations

from typing import Literal

Status = Literal["pending", "processing", "shipped", "delivered", "cancelled"]
Outcome = Literal["approved", "additional_auth", "review", "blocked", "declined", "expired"]
"""What became of the check and of the payment; none while both are under way."""

STATUSES: tuple[Status, ...] = ("pending", "processing", "shipped", "delivered", "cancelled")
BEFORE: dict[Status, tuple[Status, ...]] = {
    "processing": ("pending",),
    "shipped": ("processing",),
    "delivered": ("shipped",),
    "cancelled": ("pending", "processing"),
}
"""From which states a state can be reached."""
PAYABLE: tuple[Outcome, ...] = ("approved", "additional_auth", "declined")
"""Outcomes of pending orders that wait for their buyer; one under review waits for us."""
