"""Reports to Sentry: which errors, with what, and that nothing is sent otherwise."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from service.error_metrics import (
    BaseAppException,
    ErrorHandlerConfig,
    ExceptionRegistry,
    MetricsConfig,
    SentryIntegration,
    observe_errors,
    register_exception,
    sentry,
    sentry_trail,
    setup_exception_handler,
)
from service.error_metrics.sentry_limits import Limiter
from tests.asgi import Result, request
from tests.sentry_server import SentryServer, sentry_server

catalogue = ExceptionRegistry()
EVERYTHING = Limiter(burst=1e9, total_burst=1e9)


@register_exception(code=311, status=404, registry=catalogue)
class Lost(BaseAppException):
    """It is lost."""


@register_exception(code=312, status=403, send_to_sentry=True, registry=catalogue)
class Suspicious(BaseAppException):
    """Somebody tries something."""


@register_exception(code=511, status=503, registry=catalogue)
class Overloaded(BaseAppException):
    """Too much to do."""


RAISED: dict[str, Any] = {"lost": Lost, "suspicious": Suspicious, "overloaded": Overloaded, "bug": ZeroDivisionError}


class Addressed(Protocol):
    """Something with a DSN."""

    @property
    def dsn(self) -> str:
        """Where a client sends to."""


@contextmanager
def reporting(server: Addressed, **changes: Any) -> Iterator[FastAPI]:
    """An application that reports to a server, told what to raise by the path."""
    app = FastAPI()
    config = {"sentry_enabled": True, "sentry_dsn": server.dsn, "version": "1.2.3", "environment": "staging"}
    metrics = MetricsConfig(**{**config, **changes})
    collector = setup_exception_handler(app, ErrorHandlerConfig(), metrics, catalogue=catalogue)

    @app.get("/raise/{what}")
    async def fail(what: str) -> None:
        sentry.set_user_context(f"user-{what}")
        sentry.add_breadcrumb(f"before {what}", "test", data={"what": what})
        await asyncio.sleep(0.01)
        raise RAISED[what]()

    try:
        yield app
    finally:
        app.state.sentry.flush(5)
        collector.flush()
        sentry._default = None


async def caused(server: SentryServer, what: str, **headers: str) -> tuple[Result, list[dict[str, Any]]]:
    """Send a request that fails, and return its answer and the events that it caused."""
    with reporting(server) as app:
        result = await request(app, f"/raise/{what}?token=abc&page=2", headers=headers)
    return result, server.events


@pytest.mark.parametrize(
    ("what", "code", "domain", "name", "handled"),
    [
        ("bug", "599", "SERVER", "ZeroDivisionError", False),
        ("overloaded", "511", "SERVER", "Overloaded", True),
        ("suspicious", "312", "RESOURCE", "Suspicious", True),
    ],
)
async def test_what_is_the_services_fault_or_asks_for_it_is_reported(
    what: str, code: str, domain: str, name: str, handled: bool
) -> None:
    """With what is needed to find it again: code, domain, request, release, environment, route, and a grouping."""
    with sentry_server() as server:
        result, (event,) = await caused(server, what)
    assert (event["tags"]["error_code"], event["tags"]["error_domain"]) == (code, domain)
    assert event["tags"]["request_id"] == result.json()["request_id"]
    assert event["fingerprint"] == [code, name]
    assert (event["release"], event["environment"]) == ("1.2.3", "staging")
    assert event["transaction"] == "GET /raise/{what}"
    assert event["exception"]["values"][-1]["type"] == name
    assert event["exception"]["values"][-1]["mechanism"]["handled"] is handled
    assert event["user"] == {"id": f"user-{what}"}
    assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == [f"before {what}"]
    assert event["request"]["query_string"] == "token=***&page=2"


async def test_a_clients_mistake_is_not_reported() -> None:
    """Neither one of the catalogue nor one of the framework."""
    with sentry_server() as server, reporting(server) as app:
        assert [(await request(app, path)).status for path in ("/raise/lost", "/none")] == [404, 404]
        assert app.state.sentry.counts.waiting == 0
        app.state.sentry.flush(5)
        assert server.requests == 0


async def test_a_report_carries_the_trace_of_its_request() -> None:
    """As a tag, and as the context by which Sentry links."""
    with sentry_server() as server, reporting(server) as app:
        app.state.error_metrics.record(ZeroDivisionError(), {"trace_id": "0af7651916cd43dd8448eb211c80319c"})
        app.state.sentry.flush(5)
        (event,) = server.events
    assert event["tags"]["trace_id"] == event["contexts"]["trace"]["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert len(event["contexts"]["trace"]["span_id"]) == 16


async def test_each_request_has_its_own_user_and_breadcrumbs() -> None:
    """Also when they run at the same time, in the same task, or find the user in a worker thread."""
    with sentry_server() as server, reporting(server) as app:
        together = (request(app, "/raise/bug"), request(app, "/raise/overloaded"))
        await asyncio.gather(*(asyncio.create_task(one) for one in together))
        await request(app, "/raise/suspicious")
    seen = {(event["user"]["id"], event["breadcrumbs"]["values"][0]["data"]["what"]) for event in server.events}
    assert seen == {("user-bug", "bug"), ("user-overloaded", "overloaded"), ("user-suspicious", "suspicious")}
    assert all(len(event["breadcrumbs"]["values"]) == 1 for event in server.events)


async def test_a_user_found_in_a_worker_thread_is_in_the_report() -> None:
    """Dependencies that are no coroutines run there."""
    with sentry_server() as server, reporting(server) as app:

        @app.get("/threaded")
        def threaded() -> None:
            sentry.set_user_context(17)
            raise ZeroDivisionError

        await request(app, "/threaded")
    assert server.events[0]["user"] == {"id": "17"}


async def test_tasks_outside_requests_know_nothing_of_each_other() -> None:
    """Nor of whoever started them, nor does a job of the one that ran before it in the same task."""
    with sentry_server() as server, reporting(server) as app:
        sentry.set_user_context("starter")
        sentry.add_breadcrumb("before all")

        async def job(name: str) -> None:
            with suppress(ZeroDivisionError), observe_errors(name, app.state.error_metrics):
                sentry.add_breadcrumb(name)
                await asyncio.sleep(0.01)
                raise ZeroDivisionError

        await asyncio.gather(*(asyncio.create_task(job(name)) for name in ("one", "two")))
        sentry_trail.forget_job()
        await job("three")
    assert not any("user" in event for event in server.events)
    told = {event["transaction"]: [c["message"] for c in event["breadcrumbs"]["values"]] for event in server.events}
    assert told == {"job:one": ["one"], "job:two": ["two"], "job:three": ["three"]}


def test_breadcrumbs_are_bounded() -> None:
    """The newest fifty, with twenty values each."""
    with sentry_server() as server, reporting(server) as app:
        with observe_errors("long", app.state.error_metrics):
            for number in range(80):
                sentry.add_breadcrumb(f"{number} " + "x" * 9999, data={str(place): place for place in range(99)})
            sentry.capture_exception(ZeroDivisionError())
        app.state.sentry.flush(5)
        crumbs = server.events[0]["breadcrumbs"]["values"]
    assert (len(crumbs), crumbs[0]["message"][:3]) == (50, "30 ")
    assert max(len(crumb["message"]) for crumb in crumbs) <= 1024
    assert max(len(crumb["data"]) for crumb in crumbs) <= 20


def test_what_is_too_long_is_not_cut_within_a_secret() -> None:
    """Half a card number would match no pattern."""
    card = "4242 4242 4242 4242"
    with sentry_server() as server, reporting(server) as app:
        for length in range(1024 - len(card), 1024):
            sentry.add_breadcrumb("x" * (length - 4) + " pan=" + card.replace(" ", "-"))
        sentry.capture_exception_with_facts(ValueError(), tags={"a": "x" * 120 + " 4242424242424242"})
        app.state.sentry.flush(5)
        sentry_trail.forget_job()
    assert len(server.events[0]["breadcrumbs"]["values"]) == len(card)
    assert b"4242" not in server.raw


async def test_one_exception_object_used_again_is_reported_again() -> None:
    """The SDK's own deduplication would swallow it."""
    again = Overloaded()
    RAISED["again"] = lambda: again
    with sentry_server() as server, reporting(server) as app:
        for _ in range(3):
            await request(app, "/raise/again")
    assert len(server.events) == 3


async def test_half_a_surrogate_pair_is_not_sent() -> None:
    """Sentry refuses a report that holds one, even escaped."""
    RAISED["half"] = lambda: ValueError("no file \udcff.csv")
    with sentry_server() as server, reporting(server) as app:
        await request(app, "/raise/half")
    assert server.events[0]["exception"]["values"][-1]["value"] == "no file ?.csv"
    assert b"\\ud" not in server.raw


async def test_equal_errors_are_reported_a_few_times_and_counted_then() -> None:
    """The next report tells how many were held back."""
    now = [0.0]
    with sentry_server() as server:
        config = MetricsConfig(sentry_enabled=True, sentry_dsn=server.dsn)
        integration = SentryIntegration(config, limiter=Limiter(burst=2, interval=10, clock=lambda: now[0]))
        for _ in range(7):
            integration.offer(ZeroDivisionError(), 599, 500, {})
        integration.offer(KeyError(), 599, 500, {})
        now[0] = 10.0
        integration.offer(ZeroDivisionError(), 599, 500, {})
        assert integration.flush(5)
        held_back = [event["extra"].get("similar_errors_held_back") for event in server.events]
    assert held_back == [None, None, None, 5]
    assert (integration.counts.sent, integration.counts.dropped["rate_limited"]) == (4, 5)


def test_the_limits_hold_for_all_kinds_together_and_for_made_up_ones() -> None:
    """A flood of different errors is a flood, and its kinds are not remembered without end."""
    limiter = Limiter(total_burst=3, total_interval=1e9)
    assert [limiter.admit(kind) for kind in range(5000)].count(0) == 3
    assert len(limiter._buckets) == 1001


def test_a_sample_rate_leaves_reports_out_and_counts_them() -> None:
    """None of a rate of zero."""
    with sentry_server() as server:
        config = MetricsConfig(sentry_enabled=True, sentry_dsn=server.dsn, sentry_sample_rate=0)
        integration = SentryIntegration(config)
        integration.capture(ZeroDivisionError())
        assert integration.flush(5)
        assert (server.requests, integration.counts.dropped["sampled"]) == (0, 1)


async def test_what_was_sent_and_lost_is_in_the_metrics() -> None:
    """Every reason is there from the start."""
    with sentry_server() as server, reporting(server, namespace="mine", default_labels={"team": "a"}) as app:
        await request(app, "/raise/bug")
        app.state.sentry.flush(5)
        text = (await request(app, "/metrics")).text
    assert 'mine_sentry_events_sent_total{team="a"} 1.0' in text
    assert text.count("mine_sentry_events_dropped_total{") == 9
    assert 'mine_sentry_events_dropped_total{reason="network",team="a"} 0.0' in text


async def test_without_sentry_there_are_no_such_metrics() -> None:
    """Disabled means absent."""
    app = FastAPI()
    setup_exception_handler(app, prometheus_registry=CollectorRegistry())
    assert app.state.sentry is None
    assert "sentry" not in (await request(app, "/metrics")).text


def test_without_sentry_its_sdk_is_never_imported(repository: Path) -> None:
    """And the helpers do nothing."""
    script = (
        "import sys\n"
        "from service.app import create_app\n"
        "from service.error_metrics import sentry\n"
        "from service.settings import Settings\n"
        "create_app(Settings())\n"
        "sentry.capture_exception(ValueError('x'), a=1)\n"
        "sentry.capture_exception_with_context(ValueError('x'), a={})\n"
        "sentry.capture_message('x')\n"
        "sentry.set_user_context(1)\n"
        "sentry.add_breadcrumb('x')\n"
        "with sentry.start_transaction('x') as span, span.start_child(op='y') as child:\n"
        "    child.set_tag('a', 1), child.set_data('a', 1), child.set_status('ok')\n"
        "assert sentry.own_trail().breadcrumbs is None\n"
        "print([name for name in sys.modules if 'sentry_sdk' in name])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=repository)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_with_sentry_nothing_of_the_process_is_patched(repository: Path) -> None:
    """No integrations, no global client, no hooks."""
    script = (
        "import logging, sys, threading, http.client\n"
        "hook, run, call = sys.excepthook, threading.Thread.run, logging.Logger.callHandlers\n"
        "connect = http.client.HTTPConnection.putrequest\n"
        "from service.error_metrics import MetricsConfig, SentryIntegration\n"
        "made = SentryIntegration(MetricsConfig(sentry_enabled=True, sentry_dsn='https://k@sentry.example/1'))\n"
        "import sentry_sdk\n"
        "assert not sentry_sdk.get_client().is_active()\n"
        "assert made._client._client.integrations == {}\n"
        "assert (hook, run, call) == (sys.excepthook, threading.Thread.run, logging.Logger.callHandlers)\n"
        "assert connect is http.client.HTTPConnection.putrequest\n"
        "print([thread.name for thread in threading.enumerate()])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=repository)
    assert (done.stdout.strip(), done.stderr) == ("['MainThread']", "")


def test_without_the_extra_the_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names the setting and the fix."""
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    monkeypatch.delitem(sys.modules, "service.error_metrics.sentry_client", raising=False)
    with pytest.raises(ValueError, match="sentry_enabled: sentry-sdk is not installed, install the extra `sentry`"):
        SentryIntegration(MetricsConfig(sentry_enabled=True, sentry_dsn="https://k@sentry.example/1"))


def test_an_integration_needs_sentry_to_be_enabled() -> None:
    """A DSN alone does not send anything anywhere."""
    with pytest.raises(ValueError, match="sentry_enabled: is false"):
        SentryIntegration(MetricsConfig(sentry_dsn="https://k@sentry.example/1"))


def test_a_disabled_module_reports_nothing() -> None:
    """Whatever the other settings say."""
    app = FastAPI()
    off = MetricsConfig(enabled=False, sentry_enabled=True, sentry_dsn="https://k@sentry.example/1")
    setup_exception_handler(app, metrics_config=off)
    assert app.state.sentry is None


def test_the_helpers_report_what_was_dealt_with() -> None:
    """With further values, named blocks, or without an exception."""
    with sentry_server() as server:
        integration = sentry.init_sentry(MetricsConfig(sentry_enabled=True, sentry_dsn=server.dsn))
        assert integration is not None
        sentry.capture_exception(KeyError("a"), order=17)
        sentry.capture_exception_with_context(ValueError("b"), order={"id": 17}, attempt=3)
        sentry.capture_message("slow", "warning", tags={"engine": "rules"})
        assert integration.flush(5)
        first, second, third = server.events
    sentry._default = None
    assert first["extra"] == {"order": 17}
    assert second["contexts"] == {"order": {"id": 17}, "attempt": {"value": 3}}
    assert (third["logentry"]["formatted"], third["level"], third["tags"]["engine"]) == ("slow", "warning", "rules")


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a worker needs one call."""
    assert sentry.init_sentry() is None
    monkeypatch.setenv("METRICS_SENTRY_ENABLED", "true")
    monkeypatch.setenv("SENTRY_DSN", "https://k@sentry.example/1")
    try:
        assert sentry.init_sentry() is not None
    finally:
        sentry._default = None


def test_what_was_captured_last_is_sent_when_the_process_ends(repository: Path) -> None:
    """A script has no application that would flush."""
    with sentry_server() as server:
        script = (
            "from service.error_metrics import MetricsConfig, sentry\n"
            f"sentry.init_sentry(MetricsConfig(sentry_enabled=True, sentry_dsn='{server.dsn}'))\n"
            "sentry.capture_exception(ValueError('last'))\n"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=repository)
        assert (done.returncode, done.stderr) == (0, "")
        assert [event["exception"]["values"][0]["value"] for event in server.events] == ["last"]


def test_own_frames_show_their_variables_and_those_of_libraries_do_not() -> None:
    """Libraries hold whole requests and the parameters of SQL statements."""
    import json

    def own(text: str) -> None:
        password = "hunter2"
        json.loads(text + password[:0])

    with sentry_server() as server:
        integration = SentryIntegration(MetricsConfig(sentry_enabled=True, sentry_dsn=server.dsn))
        try:
            own("{")
        except ValueError as exc:
            integration.capture(exc)
        assert integration.flush(5)
        frames = server.events[0]["exception"]["values"][-1]["stacktrace"]["frames"]
    shown = {frame["function"]: frame.get("vars") for frame in frames}
    assert shown["own"] == {"text": "'{'", "password": "***", "json": shown["own"]["json"]}
    assert shown["loads"] is None
