"""One way for all logs of the process."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
import warnings
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from service.error_metrics.masking import Masker
from service.telemetry.logs import get_logger

from .conftest import FACTS, LogTo


def test_every_line_tells_when_what_and_who(log_to: LogTo, schema: jsonschema_rs.Validator) -> None:
    """It fits the schema in docs/."""
    logged = log_to()
    get_logger("shop.orders", tenant=7).warning("stock is low", sku="A-1")
    (line,) = logged.lines()
    assert line.items() >= FACTS.items()
    assert {name: line[name] for name in ("level", "event", "logger", "sku", "tenant")} == {
        "level": "warning",
        "event": "stock is low",
        "logger": "shop.orders",
        "sku": "A-1",
        "tenant": 7,
    }
    schema.validate(line)


def test_the_standard_library_goes_the_same_way(log_to: LogTo) -> None:
    """With arguments and extra fields."""
    logged = log_to()
    logging.getLogger("some.library").warning("%d of %s", 3, ["a"], extra={"shard": 4})
    (line,) = logged.lines()
    assert (line["event"], line["logger"], line["shard"], line["level"]) == ("3 of ['a']", "some.library", 4, "warning")


@pytest.mark.parametrize("name", ["uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"])
def test_uvicorn_goes_the_same_way(log_to: LogTo, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """And no other, however it has set up its own logging before."""
    logging.getLogger(name).addHandler(logging.StreamHandler())
    logging.getLogger(name).propagate = False
    logged = log_to()
    logging.getLogger(name).error("x")
    assert [line["logger"] for line in logged.lines()] == [name]
    assert capsys.readouterr().err == ""


def test_a_library_that_writes_by_itself_goes_the_same_way(log_to: LogTo, capfd: pytest.CaptureFixture[str]) -> None:
    """Once, whatever stands for stdout and stderr, and also for what has no handler and would use the last resort."""
    with os.fdopen(2, "w", closefd=False) as wrapper:
        streams = {"a": sys.stdout, "a.b": sys.stderr, "c.d": sys.__stderr__, "e": wrapper}
        for name, stream in streams.items():
            logging.getLogger(f"own.{name}").handlers[:] = [logging.StreamHandler(stream)]
        logging.getLogger("own.none").handlers[:] = []
        for name in (*streams, "none"):
            logging.getLogger(f"own.{name}").propagate = False
        logged = log_to()
        for name in (*streams, "none"):
            logging.getLogger(f"own.{name}").error("x")
    assert [line["logger"] for line in logged.lines()] == ["own.a", "own.a.b", "own.c.d", "own.e", "own.none"]
    assert capfd.readouterr() == ("", "")


def test_what_a_library_writes_elsewhere_stays(
    log_to: LogTo, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its file, and its silence."""
    file, kept = tmp_path / "own", logging.getLogger("own.file")
    with contextlib.closing(logging.FileHandler(file, delay=True)) as to_file:
        kept.handlers[:] = [to_file, logging.StreamHandler(io.StringIO()), logging.StreamHandler()]
        logging.getLogger("own.silent").handlers[:] = [logging.NullHandler()]
        kept.propagate = logging.getLogger("own.silent").propagate = False
        logged = log_to()
        kept.error("x")
        logging.getLogger("own.silent").error("y")
        assert len(kept.handlers) == 2
    assert (file.read_text(), logged.events(), capfd.readouterr()) == ("x\n", ["x"], ("", ""))
    kept.handlers.clear()


def test_warnings_go_the_same_way(log_to: LogTo) -> None:
    """They would be text among the JSON otherwise."""
    logged = log_to()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)  # the context manager above has put the original back
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    (line,) = logged.lines()
    assert line["logger"] == "py.warnings"
    assert "DeprecationWarning: old" in line["event"]


def test_lines_below_the_level_are_not_made(log_to: LogTo) -> None:
    """By neither logger, and they are not counted as lost."""
    logged = log_to(level="WARNING")
    get_logger().info("a")
    logging.getLogger("x").info("b")
    logging.getLogger("talkative").setLevel(logging.DEBUG)
    logging.getLogger("talkative").info("b, too")
    get_logger().warning("c")
    assert logged.events() == ["c"]
    assert logged.written("warning") == 1
    assert logged.dropped("info", "sampled") == 0


def test_an_exception_is_told_with_its_place_and_its_end(log_to: LogTo) -> None:
    """And masked."""
    logged = log_to()
    try:
        raise ValueError("no card 4111 1111 1111 1111")
    except ValueError:
        get_logger().exception("failed")
        logging.getLogger("x").exception("failed too")
    for line in logged.lines():
        assert (line["level"], line["error_type"]) == ("error", "ValueError")
        assert line["error_message"] == "ValueError: no card ***"
        assert "logs/test_setup.py:" in line["error_place"]
        assert line["traceback"].startswith("Traceback")
        assert "4111" not in line["traceback"]


def test_tracebacks_can_be_left_out(log_to: LogTo) -> None:
    """As in production."""
    logged = log_to(tracebacks=False)
    get_logger().error("failed", exc_info=ValueError("x"))
    (line,) = logged.lines()
    assert line["error_message"] == "ValueError: x"
    assert "traceback" not in line


def test_a_very_long_traceback_keeps_its_end(log_to: LogTo) -> None:
    """Which says most."""

    def deep(left: int) -> None:
        if not left:
            raise KeyError("the very end")
        deeper(left - 1)  # two functions, because a traceback tells of one that calls itself in one line

    def deeper(left: int) -> None:
        deep(left)

    logged = log_to()
    try:
        deep(200)
    except KeyError:
        get_logger().exception("failed")
    (line,) = logged.lines()
    assert len(line["traceback"]) <= 4096
    assert "the very end" in line["traceback"]


def test_what_changes_later_is_written_as_it_was(log_to: LogTo) -> None:
    """Lines are rendered in another thread."""
    logged, order = log_to(), {"lines": [1]}
    get_logger().info("placed", order=order)
    logging.getLogger("x").info("placed %s", order)
    order["lines"].append(2)
    first, second = logged.lines()
    assert first["order"] == {"lines": [1]}
    assert second["event"] == "placed {'lines': [1]}"


class Broken:
    """An object that can't be shown."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ({1: {2}}, {"1": [2]}),
        (b"\xff", "�"),
        (Broken(), "<Broken that can't be shown>"),
        ([[[[[1]]]]], [[[["[1]"]]]]),
        ("x" * 9000, "***"),
        ("line\nbreak", "line\nbreak"),
        ("\udc80", "?"),  # many readers of JSON refuse half a surrogate pair, even escaped
        (2**63 - 1, 2**63 - 1),
        (2**80, str(2**80)),
        pytest.param(10**5000, "<int that can't be shown>", id="too many digits for a text"),
    ],
)
def test_any_value_makes_one_line_of_valid_json(log_to: LogTo, value: object, shown: object) -> None:
    """Whatever somebody logs."""
    logged = log_to()
    get_logger().info("x", value=value)
    assert len(logged.text().splitlines()) == 1
    assert logged.lines()[0]["value"] == shown


def test_nothing_is_lost_when_a_field_has_a_name_of_ours(log_to: LogTo) -> None:
    """It gets another."""
    logged = log_to()
    get_logger().info("x", service="other", timestamp=5)
    (line,) = logged.lines()
    assert (line["service"], line["service_"], line["timestamp_"]) == ("till", "other", 5)


def test_a_mistake_in_a_format_is_no_reason_to_lose_the_line(log_to: LogTo, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor to write elsewhere."""
    logged = log_to()
    logging.getLogger("x").info("%d of %d", "three")
    logging.getLogger("x").info("100 %", "more")
    assert logged.events() == ["%d of %d ('three',)", "100 % ('more',)"]
    assert capsys.readouterr().err == ""


def test_secrets_are_masked_in_text_fields_and_arguments(log_to: LogTo) -> None:
    """As in all that leaves the process."""
    logged = log_to()
    get_logger().info("mail to bob@example.com", password="hunter2", order={"card": "4111111111111111", "n": 1})
    logging.getLogger("x").info("mail to %s", "bob@example.com")
    assert "bob" not in logged.text()
    first, second = logged.lines()
    assert (first["event"], second["event"]) == ("mail to ***", "mail to ***")
    assert (first["password"], first["order"]) == ("***", {"card": "***", "n": 1})


def test_masking_can_be_switched_off_and_extended(log_to: LogTo) -> None:
    """METRICS_MASK_PII and METRICS_PII_PATTERNS are of the logs too."""
    logged = log_to(masker=None)
    get_logger().info("mail to bob@example.com")
    assert logged.events() == ["mail to bob@example.com"]
    logged = log_to(masker=Masker((), ["tenant-[0-9]+"]))
    get_logger().info("for tenant-17")
    assert logged.events()[-1] == "for ***"


def test_a_line_for_people_can_not_be_forged(log_to: LogTo) -> None:
    """By line feeds or by what a terminal takes for colours."""
    logged = log_to(format="console")
    get_logger().warning("one\ntwo \x1b[31mred", sku="A-1")
    text = logged.text()
    assert text.count("\n") == 1
    assert "[warning  ] one\\ntwo \\x1b[31mred" in text
    assert "sku=A-1" in text


@pytest.mark.parametrize("code", ["\n", "\r", "\x1b[2J", "\x7f", "\x9b2J", "\u2028", "\u202e"])
def test_no_part_of_a_line_for_people_can_forge_one(log_to: LogTo, code: str) -> None:
    """Whatever a client chooses: a value, a name, a part of a value, the text of an exception."""
    logged, bad = log_to(format="console"), f"a{code}b"
    logging.getLogger(bad).warning(bad, extra={bad: bad, "path": bad, "more": {bad: [bad]}, "stack": bad})
    get_logger().error("x", exception=f"{bad} c", stack=[bad])
    lines = [line for line in logged.text().splitlines() if line.strip("=") and not line.startswith("  ")]
    assert ["[warning" in lines[0], *("[error" in line for line in lines[1:])] == [True, True]
    assert [c for c in logged.text() if not c.isprintable() and c != "\n"] == []


def test_a_traceback_for_people_is_below_its_line(log_to: LogTo) -> None:
    """Indented, so that no text of an exception looks like a line; the same of a stack."""
    logged = log_to(format="console")
    try:
        raise ValueError("one\n2026-01-01T00:00:00Z [info     ] forged \x1b[31m")
    except ValueError:
        logging.getLogger("x").exception("failed", stack_info=True)
    first, *below = logged.text().splitlines()
    assert "failed" in first
    assert "  Traceback (most recent call last):" in below
    assert "  2026-01-01T00:00:00Z [info     ] forged \\x1b[31m" in below
    assert "  Stack (most recent call last):" in below
    assert [line for line in below if line.strip("=") and not line.startswith("  ")] == []


@pytest.mark.parametrize("character", ["\x80", "\x85", "\x9b", "\x9f", "\u2028", "\u2029"])
def test_what_json_does_not_escape_is_escaped_all_the_same(log_to: LogTo, character: str) -> None:
    """For terminals, and for readers that see an end of line where JSON sees none."""
    logged = log_to()
    get_logger().info(character, **{character: f"é{character}한"})
    assert character not in logged.text()
    (line,) = logged.lines()
    assert (line["event"], line[character]) == (character, f"é{character}한")


def test_every_thread_can_log(log_to: LogTo) -> None:
    """And no line is torn or lost."""
    logged = log_to()
    threads = [
        threading.Thread(target=lambda name=name: [get_logger(name).info("x", n=n) for n in range(500)])  # type: ignore[misc]
        for name in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in "abcd":
        assert [line["n"] for line in logged.lines(name)] == list(range(500))
    assert logged.written("info") == 2000


def test_a_structure_that_holds_itself_is_logged_at_once(log_to: LogTo) -> None:
    """In bounded time and size, whatever its shape."""
    logged = log_to()
    circle: list[Any] = []
    circle.extend([circle] * 50)
    knot = [{str(name): circle for name in range(50)} for _ in range(50)]
    get_logger().info("x", circle=circle, knot=knot, long=["x" * 5000] * 50)
    assert len(logged.text()) < 40_000


def test_of_many_fields_the_first_fifty_are_written(log_to: LogTo) -> None:
    """The same of the parts of a value, and of what a text is to be filled with."""
    logged, many = log_to(), {f"n{number}": number for number in range(60)}
    get_logger().info("x", **many)
    get_logger().info("x", value=many, values=list(many))
    logging.getLogger("x").info("%(n59)s", many)
    fields, parts, filled = logged.lines()
    first = list(many)[:50]
    assert [name for name in fields if name in many] == first
    assert (list(parts["value"]), parts["values"]) == (first, first)
    assert ("'n49'" in filled["event"], "'n50'" in filled["event"]) == (True, False)


class Unkind(dict[str, int]):
    """A mapping that can't be read."""

    def items(self) -> Any:
        raise RuntimeError


@pytest.mark.parametrize("value", [Broken(), Unkind(a=1), {Broken(): 1}, [Broken()]])
def test_no_log_call_raises_into_the_code_that_logs(log_to: LogTo, value: Any) -> None:
    """Whatever an object's own code does, in whatever place."""
    logged = log_to()
    get_logger().info(value)
    get_logger().info("x", value=value)
    logging.getLogger("x").info(value)
    logging.getLogger("x").info("x %s", value)
    logging.getLogger("x").info("x", extra={"value": value})
    logging.getLogger("x").info("x", extra={"value": value, 4: 5})  # type: ignore[dict-item]
    assert len(logged.lines()) == 6


class Mute(Exception):
    """An exception that can't say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


def test_an_exception_that_can_not_say_what_it_is_is_logged(log_to: LogTo) -> None:
    """By its type."""
    logged = log_to()
    try:
        raise Mute
    except Mute:
        get_logger().exception("failed")
    (line,) = logged.lines()
    assert (line["error_type"], line["error_message"]) == ("Mute", "Mute")


def test_numbers_format_as_they_would_have(log_to: LogTo) -> None:
    """Though they are put in later."""
    logged = log_to()
    logging.getLogger("x").info("%d items %.2f %r", Decimal(3), Decimal("1.5"), date(2026, 1, 2))
    assert logged.events() == ["3 items 1.50 datetime.date(2026, 1, 2)"]


def test_no_text_is_cut_within_a_secret(log_to: LogTo) -> None:
    """Half of one matches no pattern."""
    logged = log_to()
    for length in (1020, 4085, 4090):
        text = "a " * (length // 2) + "jane.doe@example.com and more"
        logging.getLogger("x").error("failed: %s", ValueError(text))
        get_logger().info("x", value=ValueError(text), text=text, many=["b " * 2040] * 3 + [text])
    assert "jane" not in logged.text()


@pytest.mark.parametrize("length", [4094, 4095, 4096, 4097, 9000])
def test_a_text_that_grows_by_being_masked_fits_the_schema(
    log_to: LogTo, schema: jsonschema_rs.Validator, length: int
) -> None:
    """It is cut a second time; of a traceback its end stays."""
    logged = log_to()
    get_logger().info(("pwd=a " * 1500)[:length])
    get_logger().info("x" * (length - 2) + " y")
    try:
        raise ValueError("pwd=a " * 600)
    except ValueError:
        get_logger().exception("failed")
    for line in logged.lines():
        schema.validate(line)
        assert len(line.get("error_message", "")) <= 4098
    told = logged.lines()[-1]["traceback"]
    assert (len(told), told[0], told.rstrip()[-7:]) == (4096, "…", "pwd=***")


def test_a_record_without_a_name_is_that_of_the_root(log_to: LogTo, schema: jsonschema_rs.Validator) -> None:
    """Somebody makes one by hand, or gets it from another process."""
    logged = log_to()
    logging.getLogger().handle(logging.makeLogRecord({"msg": "x", "levelno": logging.WARNING}))
    (line,) = logged.lines()
    assert line["logger"] == "root"
    schema.validate(line)


@pytest.mark.parametrize("name", ["error_code", "request_id", "path", "status_code", "trace_id", "error_message"])
def test_fields_of_the_code_do_not_break_the_schema(log_to: LogTo, schema: jsonschema_rs.Validator, name: str) -> None:
    """They get a name of their own."""
    logged = log_to()
    get_logger().error("x", exc_info=ValueError("y"), **{name: "card_declined"})
    (line,) = logged.lines()
    schema.validate(line)
    assert line[f"{name}_"] == "card_declined"
