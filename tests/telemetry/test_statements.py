"""What a statement does, without its values."""

from __future__ import annotations

import pytest

from service.telemetry.statements import describe


@pytest.mark.parametrize(
    ("sql", "operation", "table"),
    [
        ("SELECT 1", "SELECT", "none"),
        ("SELECT a FROM products WHERE id = $1::INTEGER", "SELECT", "products"),
        ('select * from "shop"."Orders"', "SELECT", "orders"),
        ("INSERT INTO orders (a) VALUES (?) RETURNING id", "INSERT", "orders"),
        ("UPDATE ONLY products SET stock = stock - 1", "UPDATE", "products"),
        ("DELETE FROM `orders`", "DELETE", "orders"),
        ("/* from x */ -- from y\nSELECT 1 FROM z", "SELECT", "z"),
        ("WITH n AS (SELECT 1) UPDATE products SET a = 1", "UPDATE", "products"),
        ("WITH n AS (SELECT a FROM old) INSERT INTO new SELECT * FROM n", "INSERT", "new"),
        ("WITH n(a) AS MATERIALIZED (SELECT a FROM real), m AS(SELECT 1) SELECT * FROM n, m", "SELECT", "real"),
        ("WITH gone AS (DELETE FROM a RETURNING *) SELECT * FROM gone JOIN b USING (id)", "SELECT", "b"),
        ("WITH orders AS (SELECT * FROM orders) SELECT 1 FROM orders", "SELECT", "orders"),
        ('WITH n AS (SELECT 1) UPDATE "with blanks" SET a = 1', "UPDATE", "none"),
        ("WITH", "OTHER", "none"),
        ("SELECT EXTRACT(year FROM created) FROM orders", "SELECT", "orders"),
        ("SELECT TRIM(BOTH 'x' FROM name), SUBSTRING(f(a) FROM b FOR 2) FROM users", "SELECT", "users"),
        ("SELECT EXTRACT(year FROM (SELECT created FROM orders)) FROM b", "SELECT", "orders"),
        ("SELECT a IS DISTINCT FROM b FROM orders", "SELECT", "orders"),
        ("SELECT 1) FROM orders", "SELECT", "orders"),
        ("UPDATE OR IGNORE orders SET a = 1", "UPDATE", "orders"),
        ("update low_priority ignore orders set a = 1", "UPDATE", "orders"),
        ("INSERT OR REPLACE INTO orders VALUES (1)", "INSERT", "orders"),
        ("MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN UPDATE SET x = 1", "MERGE", "a"),
        ("PRAGMA table_info('x')", "OTHER", "none"),
        ("CREATE TABLE x (a INT)", "OTHER", "none"),
        ("SHOW COLUMNS FROM orders", "OTHER", "orders"),
        ("SELECT ' from secrets ' FROM real", "SELECT", "real"),
        ("", "OTHER", "none"),
        ("   ", "OTHER", "none"),
    ],
)
def test_operation_and_table(sql: str, operation: str, table: str) -> None:
    """Of a bounded set, whatever is in texts and comments."""
    assert describe(sql)[:2] == (operation, table)


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT a FROM t WHERE b = 'x' AND c = 17", "SELECT a FROM t WHERE b = ? AND c = ?"),
        ("SELECT a FROM t WHERE b = 'it''s' OR c = 1.5e-3", "SELECT a FROM t WHERE b = ? OR c = ?"),
        ("SELECT a1, b2 FROM t3 WHERE c = $1", "SELECT a1, b2 FROM t3 WHERE c = $1"),
        ("SELECT $$secret$$, $q$secret$q$", "SELECT ?, ?"),
        ("SELECT 'cut off", "SELECT ?"),
        ("SELECT 0xDEADBEEF, 0b101, 0o17, 0XDEAD_BEEF", "SELECT ?, ?, ?, ?"),
        ("SELECT a\n  FROM t", "SELECT a FROM t"),
        ("SELECT 1 -- for bob@example.com", "SELECT ?"),
        ("SELECT 1 /* it's */ , 'alice@secret' AS a", "SELECT ? , ? AS a"),
        ("SELECT /* it's */ * FROM users WHERE name = 'alice'", "SELECT * FROM users WHERE name = ?"),
        (r"SELECT E'it\'s alice' FROM t", "SELECT ? FROM t"),
        ('SELECT .5, 1_000_000, a%5, "alice secret"', "SELECT ?, ?, a%?, ?"),
        ("SELECT '-- no comment' FROM t -- it's one", "SELECT ? FROM t"),
    ],
)
def test_values_are_left_out(sql: str, shown: str) -> None:
    """Placeholders and names stay."""
    assert describe(sql).text == shown


def test_a_long_statement_is_cut() -> None:
    """At 500 characters."""
    text = describe("SELECT " + ", ".join(f"column_{name}" for name in "abcdefghij" * 100)).text
    assert len(text) == 500
    assert text.endswith("…")


@pytest.mark.parametrize(("length", "table"), [(8_000, "late"), (8_004, "none")])
def test_only_the_beginning_of_a_statement_is_read(length: int, table: str) -> None:
    """8,000 characters: a bulk insert has megabytes."""
    assert describe(f"SELECT 1{'FROM late':>{length - 8}}").table == table


def test_an_unfriendly_statement_is_read_quickly() -> None:
    """Each expression is linear; this would take minutes otherwise."""
    for piece in ("'", "$$", "/*", '"', "FROM ", "--", "$a$", "(", ")", "a(", "a (b) ", "a as ", "UPDATE OR "):
        describe(piece * 5_000)
        describe("WITH " + piece * 5_000)
