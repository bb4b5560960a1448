"""The shop's tables. Amounts are whole KRW."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from service.database import UtcDateTime

BIG = BigInteger().with_variant(Integer, "sqlite")
"""Whole numbers of 64 bits; all of SQLite's are."""


def _now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Base of all tables."""


class Product(Base):
    """Something for sale. Its stock never goes below zero."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("stock >= 0", name="ck_products_stock"),
        CheckConstraint("price > 0", name="ck_products_price"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    price: Mapped[int]
    stock: Mapped[int]


class User(Base):
    """Somebody who buys. The password is kept as an argon2id hash only."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    country: Mapped[str] = mapped_column(String(2))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)


class Session(Base):
    """A login, by the digest of its token."""

    __tablename__ = "sessions"

    token_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class CartItem(Base):
    """How many of a product somebody means to buy."""

    __tablename__ = "cart_items"
    __table_args__ = (CheckConstraint("quantity > 0", name="ck_cart_items_quantity"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    quantity: Mapped[int]


class Order(Base):
    """An order with its lines; see `domain.order` for its states. Those of before there were users have none."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("uq_orders_idempotency_key", "user_id", "idempotency_key", unique=True),
        Index("ix_orders_pending", "created_at", postgresql_where="status = 'pending'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str | None] = mapped_column(String(64))
    request_digest: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(20), default="pending")
    outcome: Mapped[str | None] = mapped_column(String(20))
    total: Mapped[int] = mapped_column(BIG)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
    lines: Mapped[list[OrderLine]] = relationship(lazy="selectin", order_by="OrderLine.product_id")


class OrderLine(Base):
    """One product of an order, at the price of that moment."""

    __tablename__ = "order_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="ck_order_lines_quantity"),)

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    quantity: Mapped[int]
    price: Mapped[int]


class Payment(Base):
    """A settled payment: never the card number, only its last four digits."""

    __tablename__ = "payments"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    amount: Mapped[int] = mapped_column(BIG)
    method: Mapped[str] = mapped_column(String(20))
    last_four: Mapped[str] = mapped_column(String(4))
    instalments: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)


class LedgerEntry(Base):
    """A change of an account. Entries are never changed; all of them add up to zero."""

    __tablename__ = "ledger_entries"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    account: Mapped[str] = mapped_column(String(20))
    amount: Mapped[int] = mapped_column(BIG)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
