"""Paying orders. Cards are settled by a sandbox issuer that knows the test numbers of the card schemes."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from service.error_metrics.account_numbers import luhn_valid

from .errors import InstalmentsNotOffered, OrderAlreadyPaid, PaymentDeclined
from .faults import Faults
from .orders import find_order
from .tables import Order, Payment

OFFERED_INSTALMENTS = (1, 3, 6, 12)
DECLINED = {"4000000000000002": "card_declined", "4000000000009995": "insufficient_funds"}


async def pay(
    session: AsyncSession, order_id: int, card_number: str, instalments: int, faults: Faults
) -> tuple[Payment, int]:
    """Charge a card for an order and return the payment with the amount of one instalment.

    Raises:
        UnknownOrder, OrderAlreadyPaid, InstalmentsNotOffered, PaymentDeclined: nothing was charged.
    """
    async with session.begin():
        order = await find_order(session, order_id)
        monthly = _instalment(order.total, instalments, faults)
        claimed = await session.execute(
            update(Order).where(Order.id == order_id, Order.status == "pending").values(status="processing")
        )
        if claimed.rowcount == 0:  # type: ignore[attr-defined]  # an UPDATE's result has it
            raise OrderAlreadyPaid(detail={"order_id": order_id, "status": order.status})
        _charge(card_number)
        payment = Payment(
            order_id=order_id, amount=order.total, method="card", last_four=card_number[-4:], instalments=instalments
        )
        session.add(payment)
        await session.flush()
        session.expunge_all()
    return payment, monthly


def _instalment(total: int, instalments: int, faults: Faults) -> int:
    if not faults.active("instalment-bug") and instalments not in OFFERED_INSTALMENTS:
        raise InstalmentsNotOffered(detail={"instalments": instalments, "offered": OFFERED_INSTALMENTS})
    return total // instalments  # the bug that the switch uncovers: nobody has checked for 0


def _charge(card_number: str) -> None:
    reason = DECLINED.get(card_number) or (None if luhn_valid(card_number) else "invalid_number")
    if reason is not None:
        raise PaymentDeclined(detail={"reason": reason})
