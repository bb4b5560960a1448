"""Users, logins, carts and a ledger; orders get an owner, a key and an outcome."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)
BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables, and book the payments that there are, and that those of cancelled orders were paid back.

    What had become of orders is not known where this was taken back before: pending ones expire, cancelled ones that
    were not paid tell no reason.
    """
    _make_tables()
    _book_payments()
    _extend_orders()


def _make_tables() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("token_digest", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False, index=True),
    )
    op.create_table(
        "cart_items",
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("product_id", sa.Integer, sa.ForeignKey("products.id"), primary_key=True),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.CheckConstraint("quantity > 0", name="ck_cart_items_quantity"),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id"), nullable=False, index=True),
        sa.Column("account", sa.String(20), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
    )


def _book_payments() -> None:
    cancelled = "SELECT id FROM orders WHERE status = 'cancelled'"
    for account, sign, which in (
        ("issuer", "", "TRUE"),
        ("sales", "-", "TRUE"),
        ("issuer", "-", f"order_id IN ({cancelled})"),
        ("sales", "", f"order_id IN ({cancelled})"),
    ):
        op.execute(
            "INSERT INTO ledger_entries (order_id, account, amount, created_at) "  # noqa: S608  # all are from here
            f"SELECT order_id, '{account}', {sign}amount, created_at FROM payments WHERE {which}"
        )


def _extend_orders() -> None:
    # Plain statements that SQLite knows as well: rebuilding a table there would break what refers to it.
    if all(column["name"] != "user_id" for column in sa.inspect(op.get_bind()).get_columns("orders")):
        op.execute("ALTER TABLE orders ADD COLUMN user_id INTEGER REFERENCES users (id)")
    for column, length in (("idempotency_key", 64), ("request_digest", 64), ("outcome", 20)):
        op.add_column("orders", sa.Column(column, sa.String(length)))
    op.create_index("uq_orders_idempotency_key", "orders", ["user_id", "idempotency_key"], unique=True)
    _money(sa.BigInteger(), sa.Integer())
    op.execute("UPDATE orders SET outcome = 'approved' WHERE id IN (SELECT order_id FROM payments)")
    op.create_index("ix_orders_pending", "orders", ["created_at"], postgresql_where=sa.text("status = 'pending'"))


def downgrade() -> None:
    """Drop what was made."""
    for index in ("ix_orders_pending", "uq_orders_idempotency_key"):
        op.drop_index(index, "orders")
    _money(sa.Integer(), sa.BigInteger())
    for column in ("outcome", "request_digest", "idempotency_key"):
        op.drop_column("orders", column)
    if op.get_bind().dialect.name == "sqlite":
        op.execute("UPDATE orders SET user_id = NULL")  # a column that refers to another table can't be dropped
    else:
        op.drop_column("orders", "user_id")
    for table in ("ledger_entries", "cart_items", "sessions", "users"):
        op.drop_table(table)


def _money(after: sa.types.TypeEngine[int], before: sa.types.TypeEngine[int]) -> None:
    if op.get_bind().dialect.name != "sqlite":  # where an integer has as many digits as it needs
        for table, column in (("orders", "total"), ("payments", "amount"), ("fraud_decisions", "amount")):
            op.alter_column(table, column, type_=after, existing_type=before, existing_nullable=False)
