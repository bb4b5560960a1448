"""Loggers that can be called in any way, at any time."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from service.telemetry.logs import get_logger

from .conftest import LogTo

BOUND_EARLY = get_logger("early").bind(component="till")


class Broken:
    """An object that can't be shown."""

    def __str__(self) -> str:
        """Fail."""
        raise ArithmeticError

    __repr__ = __str__


@pytest.mark.parametrize(
    ("given", "fields", "event"),
    [
        (("order %d of %s", 17, "kim"), {}, "order 17 of kim"),
        (("order %(n)d", {"n": 17}), {}, "order 17"),
        (("100 % done",), {}, "100 % done"),
        (("100% of %s", "a"), {}, "100% of %s"),
        (("%d items", "x"), {}, "%d items"),
        (("too many", 1), {}, "too many"),
        (("got %s", Broken()), {}, "got %s"),
        (("x",), {"event": "y"}, "x"),
        ((), {"event": "y"}, "y"),
        ((), {}, ""),
    ],
)
def test_nothing_that_is_logged_can_fail(
    log_to: LogTo, given: tuple[Any, ...], fields: dict[str, Any], event: str
) -> None:
    """There is a line, whatever the mistake."""
    logged = log_to()
    get_logger("shop").info(*given, **fields)
    (line,) = logged.lines("shop")
    assert line["event"] == event


def test_what_could_not_be_put_in_is_beside_the_event(log_to: LogTo) -> None:
    """As far as it can be shown."""
    logged = log_to()
    get_logger("shop").info("%d items", "x")
    get_logger("shop").info("x", event="y")
    lines = logged.lines("shop")
    assert lines[0]["arguments"] == ["x"]
    assert lines[1]["event_"] == "y"


@pytest.mark.parametrize(("number", "level"), [(5, None), (20, "info"), (25, "info"), (45, "error"), (99, "critical")])
def test_levels_by_number_are_rounded_down(log_to: LogTo, number: int, level: str | None) -> None:
    """To one that we have."""
    logged = log_to()
    get_logger("shop").log(number, "x")
    assert [line["level"] for line in logged.lines("shop")] == ([] if level is None else [level])


async def test_each_way_of_logging_has_its_level(log_to: LogTo) -> None:
    """Also those that may be awaited, and the other names."""
    logged = log_to(level="debug")
    log = get_logger("shop")
    for name in ("debug", "info", "warning", "warn", "error", "err", "critical", "fatal"):
        getattr(log, name)(name)
    for name in ("adebug", "ainfo", "awarning", "aerror", "acritical"):
        await getattr(log, name)(name)
    try:
        raise ValueError("x")
    except ValueError:
        log.exception("exception")
        await log.aexception("aexception")
    found = [(line["event"], line["level"]) for line in logged.lines("shop")]
    assert dict(found) == {
        **{name: name for name in ("debug", "info", "warning", "error", "critical")},
        **{f"a{name}": name for name in ("debug", "info", "warning", "error", "critical")},
        "warn": "warning",
        "err": "error",
        "fatal": "critical",
        "exception": "error",
        "aexception": "error",
    }
    assert [line["error_type"] for line in logged.lines("shop")[-2:]] == ["ValueError", "ValueError"]


def test_a_level_that_is_off_makes_no_line(log_to: LogTo) -> None:
    """And who asks is told."""
    logged = log_to(level="warning")
    log = get_logger("shop")
    log.info("x")
    assert (log.is_enabled_for(logging.INFO), log.is_enabled_for(logging.WARNING)) == (False, True)
    assert log.get_effective_level() == logging.WARNING
    assert logged.lines("shop") == []


def test_a_logger_that_was_bound_before_goes_the_same_way(log_to: LogTo) -> None:
    """Masked, counted, as JSON: modules make their loggers when they are imported."""
    logged = log_to()
    BOUND_EARLY.info("from a@example.com", password="hunter2")
    (line,) = logged.lines("early")
    assert (line["event"], line["password"], line["component"]) == ("from ***", "***", "till")


def test_before_logging_is_set_up_lines_go_to_the_standard_library(
    untouched: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Whose default shows warnings on stderr."""
    with caplog.at_level(logging.INFO, "early"):
        BOUND_EARLY.info("100% here")
    assert caplog.messages == ["100% here"]
