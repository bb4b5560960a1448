"""None of the corpus's secrets comes through, and all of its look-alikes do."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from service.error_metrics.account_numbers import luhn_valid

from .corpus import GENERATED, HANDWRITTEN, HARMLESS, SECRETS
from .generated import generate
from .items import PLACES, Item
from .report import Result, planted, search, table
from .sinks import SINKS, DashboardSink, Sink

KINDS = {
    "api key",
    "aws key",
    "bearer token",
    "breadcrumb",
    "card",
    "cookie",
    "e-mail",
    "exception text",
    "header",
    "jwt",
    "local variable",
    "log parameters",
    "multipart",
    "nested json",
    "phone",
    "resident number",
    "sql parameters",
    "ssn",
    "url password",
}


@pytest.mark.parametrize("sink", SINKS, ids=lambda sink: sink.name)
def test_nothing_leaks_nothing_harmless_is_hidden_and_the_search_finds_what_is_not_masked(sink: type[Sink]) -> None:
    """The bytes that left are searched; with masking off every single item is among them."""
    result = search(sink)
    assert result.passed, "\n".join(table([result]))


def test_the_corpus_is_large_and_half_of_it_is_generated() -> None:
    """Two hundred secrets of every kind in every place, a hundred look-alikes, each of them once."""
    assert (len(SECRETS) >= 200, len(HARMLESS) >= 100, len(HANDWRITTEN) >= 100, len(GENERATED) >= 100) == (True,) * 4
    assert {item.kind for item in HANDWRITTEN} >= KINDS
    assert {item.place for item in SECRETS} == set(PLACES)
    repeated = Counter(item.secret for item in SECRETS) + Counter(item.secret for item in HARMLESS)
    assert [secret for secret, times in repeated.items() if times > 1] == []


def test_no_secret_is_part_of_another_item() -> None:
    """Otherwise one leak would be counted for two, or a look-alike for a leak."""
    everything = [*SECRETS, *HARMLESS]
    inside = [(a.secret, b.text) for a in SECRETS for b in everything if a is not b and a.found_in(b.text.encode())]
    assert inside == []


def test_cards_have_their_check_digit() -> None:
    """Numbers that are none would prove nothing."""
    cards = ["".join(filter(str.isdigit, item.secret.replace("%20", ""))) for item in SECRETS if item.kind == "card"]
    assert [card for card in cards if not luhn_valid(card)] == []


def test_the_generator_makes_the_same_again() -> None:
    """And something else from another seed."""
    assert generate() == GENERATED
    assert generate(1) != GENERATED


def test_a_leak_is_reported_and_ends_with_status_one(repository: Path) -> None:
    """The command can fail."""
    script = (
        "import sys\n"
        "from service.error_metrics.masking import Masker\n"
        "from tests.pii import __main__, report\n"
        "Masker.text = lambda self, text: text\n"
        "report.SINKS = report.SINKS[1:]\n"
        "sys.exit(__main__.main())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=repository)
    assert done.returncode == 1
    assert "/api/metrics: leaked: card in message: 'card 4111 1111 1111 1111 was declined'" in done.stdout


def test_the_report_names_what_is_wrong() -> None:
    """One line for each item."""
    item = Item("card", "4111", "pan 4111")
    lines = list(table([Result("here", [item], [], [item])]))
    assert lines[2:] == ["here: leaked: card in message: 'pan 4111'", "here: overlooked: card in message: 'pan 4111'"]


def test_a_secret_is_found_however_it_is_written() -> None:
    """JSON and CSV quote it."""
    item = Item("exception text", 'two "words"', "")
    assert all(item.found_in(raw) for raw in (b'x two "words" y', b'"two \\"words\\""', b'"two ""words"""'))
    assert not item.found_in(b"two words")


def test_the_dashboard_is_searched_as_a_reader_sees_it() -> None:
    """Everything that the sink wrote is there."""
    assert b"pan 4111" in planted(DashboardSink, [Item("card", "4111", "pan 4111")], masked=True)
