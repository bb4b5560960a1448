"""The tables of fraud detection."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from service.database import UtcDateTime


class Base(DeclarativeBase):
    """Base of all tables."""


class FraudDecision(Base):
    """What was decided about a payment, and later perhaps what it was."""

    __tablename__ = "fraud_decisions"

    transaction_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"))
    score: Mapped[int]
    decision: Mapped[str] = mapped_column(String(20))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))
    fraud: Mapped[bool | None]
    labelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
