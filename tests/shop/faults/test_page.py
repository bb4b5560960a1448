"""docs/faults.md, held against the tests, the error codes and the metrics that it names."""

from __future__ import annotations

import re
from pathlib import Path

HEAD = ["fault", "what the user gets", "error code", "metric", "how it recovers", "test"]
TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
METRIC = re.compile(r"^\| `(\w+)", re.MULTILINE)
CODE = re.compile(r"^\| (\d{3}) ", re.MULTILINE)
MATRIX = ("shop/faults", "shop/test_postgres_away.py", "fds/test_redis_away.py")
NO_FAULT = {
    "test_replicas_share_history_and_list",  # how it is while all is well
    "test_the_page_names_what_there_is",
    "test_every_fault_that_is_tested_is_on_the_page",
}


def rows(repository: Path) -> list[dict[str, str]]:
    """Return the rows of all tables, by the names of their columns."""
    lines = (repository / "docs/faults.md").read_text("utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [dict(zip(HEAD, row, strict=True)) for row in cells if row not in (HEAD, ["---"] * len(HEAD))]


def names_in(*paths: Path) -> set[str]:
    """Return the names of the tests in files and folders."""
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("test_*.py")))]
    return {name for file in files for name in TEST.findall(file.read_text("utf-8"))}


def test_the_page_names_what_there_is(repository: Path) -> None:
    """Tests, metrics and error codes; a row without a code says so."""
    known = names_in(repository / "tests/shop", repository / "tests/fds")
    metrics = set(METRIC.findall((repository / "docs/metrics.md").read_text("utf-8")))
    codes = set(CODE.findall((repository / "docs/error-codes.md").read_text("utf-8")))
    found = rows(repository)
    assert len(found) > 30
    for row in found:
        for column, there in (("test", known), ("metric", metrics)):
            named = set(re.findall(r"`(\w+)`", row[column]))
            assert named, row
            assert named <= there, row
        named = set(re.findall(r"\b\d{3}\b", row["error code"]))
        assert named or row["error code"] == "none", row
        assert named <= codes, row


def test_every_fault_that_is_tested_is_on_the_page(repository: Path) -> None:
    """In a row of its own, or with others."""
    named = {name for row in rows(repository) for name in re.findall(r"`(test_\w+)`", row["test"])}
    assert names_in(*(repository / "tests" / path for path in MATRIX)) - NO_FAULT <= named
