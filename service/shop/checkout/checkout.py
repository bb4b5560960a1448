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
    CodeRequired,
    KeyReused,
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

from .orders import Orders, not_payable
from .payments import Attempt, Card, Issuer

if TYPE_CHECKING:
    from service.shop.accounts import Login, Throttle
    from service.shop.tables import Order

RUNNING = 5.0
"""Seconds in which a checkout without an outcome is thought to be under way; an older one has broken off."""


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What is bought, and how it is paid."""

    key: str
    quantities: Mapping[int, int]
    attempt: Attempt


class Checkout:
    """Puts orders, fraud check and payment together.

    Args:
        orders: the orders.
        fraud: judges payments.
        issuer: takes money.
        throttle: keeps from guessing the bank's codes.
        fingerprint_key: makes fingerprints of card numbers.
    """

    def __init__(
        self, orders: Orders, fraud: FraudCheck, issuer: Issuer, throttle: Throttle, fingerprint_key: bytes
    ) -> None:
        self.orders = self._orders = orders
        self._fraud = fraud
        self._issuer = issuer
        self._throttle = throttle
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
        card = request.attempt.card
        fingerprint = card.fingerprint(self._fingerprint_key)
        digest = _digest(request.quantities, card, fingerprint)
        self._issuer.instalment(1, card.instalments)
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
        verdict = await self._judge(login, request.attempt, order, f"order-{order.id}", fingerprint)
        if await self._let_through(order, verdict):
            await self._charge(order, card)
        return order

    @track_transaction_duration("payment")
    async def pay(self, login: Login, order: Order, attempt: Attempt, code: str | None) -> None:
        """Pay an order that is pending, with the bank's code if the fraud check asks for one.

        Another card than that of the checkout is judged on its own, as `order-<id>-<the fingerprint's beginning>`.

        Raises:
            OrderAlreadyPaid, WrongState, CheckoutRunning, UnderReview, CodeRequired, TooManyAttempts,
                InstalmentsNotOffered, PaymentDeclined: nothing was charged.
            PaymentBlocked: the order is cancelled.
        """
        if order.status != "pending":
            raise not_payable(order.id, order.status)
        if order.outcome is None:
            raise CheckoutRunning(detail={"order_id": order.id}, headers={"Retry-After": "1"})
        if order.outcome not in PAYABLE:
            raise UnderReview(detail={"order_id": order.id})
        self._issuer.instalment(1, attempt.card.instalments)
        fingerprint = attempt.card.fingerprint(self._fingerprint_key)
        bought = {line.product_id: line.quantity for line in order.lines}
        judged = order.request_digest == _digest(bought, attempt.card, fingerprint)
        if not judged and order.outcome != "approved":  # that is one that a person has released
            name = f"order-{order.id}-{fingerprint[:8]}"
            verdict = await self._judge(login, attempt, order, name, fingerprint)
            if not await self._let_through(order, verdict) and order.outcome != "additional_auth":
                raise UnderReview(detail={"order_id": order.id})
        if order.outcome == "additional_auth":
            await self._confirm(login, attempt, code)
        await self._charge(order, attempt.card)

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

    async def _judge(self, login: Login, attempt: Attempt, order: Order, name: str, fingerprint: str) -> Verdict:
        facts = PaymentFacts(
            transaction_id=name,
            user_id=str(login.user_id),
            amount=order.total,
            payment_method=attempt.card.method,
            card=fingerprint,
            device=attempt.device,
            ip=attempt.ip,
            country=attempt.country,
            card_country=attempt.card_country,
            account_age_days=max(0.0, datetime.now(UTC).timestamp() - login.registered) / 86_400,
        )
        began = perf_counter()
        verdict = await self._fraud.evaluate(facts)
        record_fds_evaluation(verdict.decision, perf_counter() - began)
        return verdict

    async def _let_through(self, order: Order, verdict: Verdict) -> bool:
        """Tell whether a payment may be charged at once; else note what is to be done first."""
        if verdict.decision == "approve":
            return True
        if verdict.decision == "block":
            await self._orders.cancel(order.id, "blocked")
            record_order("cancelled")
            record_transaction("blocked", order.total)
            raise PaymentBlocked(detail={"order_id": order.id})
        outcome: Outcome = "additional_auth" if verdict.decision == "additional_auth" else "review"
        if order.outcome != outcome:  # it may have been asked for a code before
            await self._orders.settle(order, outcome)
            record_transaction(outcome, order.total)
        return False

    async def _confirm(self, login: Login, attempt: Attempt, code: str | None) -> None:
        """Check the bank's code; five wrong ones are enough, whatever the order."""
        if code is None:
            raise CodeRequired
        buyer = f"code:{login.user_id}"
        async with self._throttle.trying(buyer, attempt.ip):
            try:
                self._issuer.confirm(code)
            except CodeRequired:
                await self._throttle.failed(buyer, attempt.ip)
                raise

    async def _charge(self, order: Order, card: Card) -> None:
        self._issuer.instalment(order.total, card.instalments)
        try:
            self._issuer.charge(card)
        except PaymentDeclined as declined:
            if order.outcome != "additional_auth":  # whoever has to know the code has to know it the next time, too
                await self._orders.settle(order, "declined")
            record_payment("declined", card.method)
            record_transaction("declined", order.total)
            declined.detail = {**(declined.detail or {}), "order_id": order.id}
            raise
        await self._orders.pay(order, card)
        record_order("processing")
        record_payment("completed", card.method, order.total)
        record_transaction("completed", order.total)


def _digest(quantities: Mapping[int, int], card: Card, fingerprint: str) -> str:
    """Return what tells a checkout from another one; nobody finds the card's number in it."""
    facts = [sorted(quantities.items()), card.method, fingerprint, card.instalments]
    return sha256(json.dumps(facts).encode()).hexdigest()


def _as_before(order: Order) -> Order:
    """Answer as the first time."""
    if order.outcome == "blocked":
        raise PaymentBlocked(detail={"order_id": order.id})
    if order.outcome == "declined" and order.status == "pending":
        raise PaymentDeclined(detail={"order_id": order.id})
    return order
