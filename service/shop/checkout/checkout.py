"""The checkout: order, fraud check, payment. Whatever dies in between, no order is lost and nothing is charged twice.

The order is written before anybody is asked about it, and paid in one transaction that only a pending order passes.
So a checkout that broke off can be asked for again with the same key: it goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING

from service.error_metrics import BaseAppException
from service.shop.domain.fraud import FraudCheck, PaymentFacts, Verdict
from service.shop.domain.order import PAYABLE, Outcome
from service.shop.errors import (
    CheckoutRunning,
    KeyReused,
    OrderAlreadyPaid,
    PaymentBlocked,
    PaymentDeclined,
    UnderReview,
    WrongState,
)
from service.shop.record import (
    record_fds_evaluation,
    record_order,
    record_payment,
    record_transaction,
    track_transaction_duration,
)

from .orders import Orders
from .payments import Card, Issuer

if TYPE_CHECKING:
    from service.shop.accounts import Login
    from service.shop.tables import Order

RUNNING = 5.0
"""Seconds in which a checkout without an outcome is thought to be under way; an older one has broken off."""


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What is bought, how it is paid, and what is known of the buyer's whereabouts."""

    key: str
    quantities: Mapping[int, int]
    card: Card
    device: str
    ip: str
    country: str
    card_country: str

    def digest(self, fingerprint: str) -> str:
        """Return what tells this checkout from another one; nobody finds the card's number in it."""
        facts = [sorted(self.quantities.items()), self.card.method, fingerprint, self.card.instalments]
        return sha256(json.dumps(facts).encode()).hexdigest()


class Checkout:
    """Puts orders, fraud check and payment together.

    Args:
        orders: the orders.
        fraud: judges payments.
        issuer: takes money.
        fingerprint_key: makes fingerprints of card numbers.
    """

    def __init__(self, orders: Orders, fraud: FraudCheck, issuer: Issuer, fingerprint_key: bytes) -> None:
        self.orders = self._orders = orders
        self._fraud = fraud
        self._issuer = issuer
        self._fingerprint_key = fingerprint_key

    @track_transaction_duration("checkout")
    async def run(self, login: Login, request: CheckoutRequest) -> Order:
        """Return the order: `processing` when it is paid, `pending` when a code or a person is asked for.

        Raises:
            UnknownProduct, OutOfStock, InstalmentsNotOffered: nothing was ordered.
            PaymentDeclined: the order is open, and can be paid with another card.
            PaymentBlocked: the order is cancelled.
            KeyReused, CheckoutRunning: the key belongs to another checkout, or to one under way.
        """
        try:
            return await self._run(login, request)
        except Exception as problem:
            if not isinstance(problem, BaseAppException) or problem.status_code >= 500:
                record_transaction("failed", 0)
            raise

    async def _run(self, login: Login, request: CheckoutRequest) -> Order:
        fingerprint = request.card.fingerprint(self._fingerprint_key)
        digest = request.digest(fingerprint)
        self._issuer.instalment(1, request.card.instalments)
        order, new = await self._orders.place(login.user_id, request.key, digest, request.quantities)
        if new:
            record_order("pending", sum(request.quantities.values()))
        else:
            if order.request_digest != digest:
                raise KeyReused
            if order.outcome is not None:
                return _as_before(order)
            if (datetime.now(UTC) - order.created_at).total_seconds() < RUNNING:
                raise CheckoutRunning(detail={"order_id": order.id}, headers={"Retry-After": "1"})
        verdict = await self._judge(login, request, order, fingerprint)
        await self._settle(order, verdict, request.card)
        return order

    @track_transaction_duration("payment")
    async def pay(self, order: Order, card: Card, code: str | None) -> None:
        """Pay an order that is pending, with the bank's code if the fraud check asked for one.

        Raises:
            OrderAlreadyPaid, CheckoutRunning, UnderReview, CodeRequired, InstalmentsNotOffered, PaymentDeclined:
                nothing was charged.
        """
        if order.status != "pending":
            raise OrderAlreadyPaid(detail={"order_id": order.id, "status": order.status})
        if order.outcome is None:
            raise CheckoutRunning(detail={"order_id": order.id}, headers={"Retry-After": "1"})
        if order.outcome not in PAYABLE:
            raise UnderReview(detail={"order_id": order.id})
        if order.outcome == "additional_auth":
            self._issuer.confirm(code)
        await self._charge(order, card)

    async def cancel(self, order: Order) -> None:
        """Cancel an order, and pay back what was paid.

        Raises:
            WrongState: it is on its way already, or cancelled.
        """
        refunded = await self._orders.cancel(order.id)
        record_order("cancelled")
        if refunded is not None:
            record_payment("refunded", refunded)

    async def review(self, order: Order, *, release: bool) -> None:
        """Let an order that was held be paid by its buyer, or cancel it.

        Raises:
            WrongState: nobody holds it.
        """
        if order.status != "pending" or order.outcome != "review":
            raise WrongState(detail={"order_id": order.id, "status": order.status, "outcome": order.outcome})
        if release:
            await self._orders.settle(order, "approved")
        else:
            await self._orders.cancel(order.id, "blocked")
            record_order("cancelled")

    async def _judge(self, login: Login, request: CheckoutRequest, order: Order, fingerprint: str) -> Verdict:
        facts = PaymentFacts(
            transaction_id=f"order-{order.id}",
            user_id=str(login.user_id),
            amount=order.total,
            payment_method=request.card.method,
            card=fingerprint,
            device=request.device,
            ip=request.ip,
            country=request.country,
            card_country=request.card_country,
            account_age_days=max(0.0, datetime.now(UTC).timestamp() - login.registered) / 86_400,
        )
        began = perf_counter()
        verdict = await self._fraud.evaluate(facts)
        record_fds_evaluation(verdict.decision, perf_counter() - began)
        return verdict

    async def _settle(self, order: Order, verdict: Verdict, card: Card) -> None:
        if verdict.decision == "approve":
            return await self._charge(order, card)
        if verdict.decision == "block":
            await self._orders.cancel(order.id, "blocked")
            record_order("cancelled")
            record_transaction("blocked", order.total)
            raise PaymentBlocked(detail={"order_id": order.id})
        outcome: Outcome = "additional_auth" if verdict.decision == "additional_auth" else "review"
        await self._orders.settle(order, outcome)
        record_transaction(outcome, order.total)
        return None

    async def _charge(self, order: Order, card: Card) -> None:
        self._issuer.instalment(order.total, card.instalments)
        try:
            self._issuer.charge(card)
        except PaymentDeclined as declined:
            await self._orders.settle(order, "declined")
            record_payment("declined", card.method)
            record_transaction("declined", order.total)
            declined.detail = {**(declined.detail or {}), "order_id": order.id}
            raise
        await self._orders.pay(order, card)
        record_order("processing")
        record_payment("completed", card.method, order.total)
        record_transaction("completed", order.total)


def _as_before(order: Order) -> Order:
    """Answer as the first time."""
    if order.outcome == "blocked":
        raise PaymentBlocked(detail={"order_id": order.id})
    if order.outcome == "declined" and order.status == "pending":
        raise PaymentDeclined(detail={"order_id": order.id})
    return order
