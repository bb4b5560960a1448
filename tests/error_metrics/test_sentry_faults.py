"""A Sentry that is down, hangs, answers half, refuses or can't be found: requests go on, and losses are counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from service.error_metrics import MetricsConfig, SentryIntegration, sentry
from service.error_metrics.masking import Masker
from service.error_metrics.sentry_client import WAITING
from service.error_metrics.sentry_integration import QUEUE
from service.error_metrics.sentry_limits import Limiter
from tests.asgi import request
from tests.error_metrics.test_sentry import reporting
from tests.sentry_server import SentryServer, eventually, sentry_server
from tests.servers import free_port

REPORTS = 5


class Nowhere(NamedTuple):
    """An address at which nobody answers."""

    dsn: str


@contextmanager
def broken(fault: str) -> Iterator[SentryServer | Nowhere]:
    """A server with a fault."""
    if fault in ("refuses", "unknown"):
        host = f"127.0.0.1:{free_port()}" if fault == "refuses" else "sentry.invalid"
        yield Nowhere(f"http://0123456789abcdef@{host}/1")
    else:
        with sentry_server(fault) as server:
            yield server


def unlimited(server: SentryServer, **changes: Any) -> SentryIntegration:
    """An integration that holds no equal errors back."""
    config = MetricsConfig(sentry_enabled=True, sentry_dsn=server.dsn, **changes)
    return SentryIntegration(config, limiter=Limiter(burst=1e9, total_burst=1e9))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("refuses", "network"),
        ("unknown", "network"),
        ("cut", "network"),
        ("429", "backoff"),
        ("500", "rejected"),
        ("413", "rejected"),
    ],
)
async def test_requests_are_answered_and_what_is_lost_is_counted(fault: str, reason: str) -> None:
    """Whatever is wrong with the server."""
    with broken(fault) as server, reporting(server) as app:
        answers = [await request(app, "/raise/bug") for _ in range(REPORTS)]
        counts = app.state.sentry.counts
        assert eventually(lambda: counts.waiting == 0)
    assert [answer.json()["error_code"] for answer in answers] == [599] * REPORTS
    assert (counts.sent, counts.dropped[reason]) == (0, REPORTS)


async def test_a_server_that_hangs_costs_nothing_but_reports() -> None:
    """Queues have an end, what doesn't fit is counted, and stopping takes no longer than it may."""
    with sentry_server("hang") as server:
        integration = unlimited(server)
        for number in range(3 * QUEUE):
            integration.offer(ValueError(number), 599, 500, {})
            assert len(integration._handover._waiting) <= QUEUE
        assert integration.counts.dropped["queue_full"] >= QUEUE
        started = time.monotonic()
        integration.close(timeout=0.5)
        assert time.monotonic() - started < 3
        counts = integration.counts
        assert counts.dropped["shutdown"] >= WAITING
        assert counts.waiting == 0
        lost = dict(counts.dropped)
        assert (counts.sent, sum(lost.values())) == (0, 3 * QUEUE)
        assert server.requests == 1
        server.fault = ""
        server.released.set()
        integration.flush(10)  # nothing of what was counted as lost arrives after all
        assert (server.requests, counts.waiting) == (1, 0)
        integration.offer(ValueError("later"), 599, 500, {})  # life went on
        assert eventually(lambda: b"later" in server.raw)
        assert counts.dropped["shutdown"] == lost["shutdown"]


async def test_after_a_429_nothing_is_sent_before_the_time_given() -> None:
    """Nor even described: that would be work for nothing."""
    with sentry_server("429") as server:
        integration = unlimited(server)
        integration.offer(ValueError(), 599, 500, {})
        assert eventually(lambda: integration.counts.dropped["backoff"] == 1)
        server.fault = ""
        for _ in range(REPORTS):
            integration.offer(ValueError(), 599, 500, {})
        assert integration.flush(5)
        assert (integration.counts.dropped["backoff"], server.requests) == (1 + REPORTS, 1)


async def test_reports_arrive_again_when_the_server_is_back() -> None:
    """An outage leaves nothing behind."""
    with sentry_server("500") as server:
        integration = unlimited(server)
        integration.offer(ValueError("lost"), 599, 500, {})
        assert integration.flush(5)
        server.fault = ""
        integration.offer(ValueError("back"), 599, 500, {})
        assert integration.flush(5)
        assert [event["exception"]["values"][0]["value"] for event in server.events] == ["back"]


@pytest.mark.parametrize("at", ["message", "envelope"])
def test_what_cannot_be_masked_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """Never sent: neither an error nor a span."""
    with sentry_server() as server:
        integration = unlimited(server, sentry_traces_sample_rate=1)
        whole = Masker.value

        def fails(self: Masker, value: Any, depth: int = 0) -> Any:
            if at == "envelope" or depth > 0:
                raise RecursionError
            return whole(self, value, depth)

        monkeypatch.setattr(Masker, "value", fails)
        integration.offer(ValueError("a@b.example"), 599, 500, {})
        with integration.transaction("evaluate a@b.example"):
            pass
        assert integration.flush(5)
        assert (server.requests, integration.counts.dropped["masking"]) == (0, 2)


def test_what_is_no_json_is_not_sent() -> None:
    """Attachments and the like can't be masked."""
    from sentry_sdk.envelope import Envelope, Item

    with sentry_server() as server:
        integration = unlimited(server)
        integration.counts.accept()
        integration._client.send(Envelope(items=[Item(b"a@b.example", type="attachment")]))
        assert integration.flush(5)
        assert (server.requests, integration.counts.dropped["masking"]) == (0, 1)


def test_an_exception_that_cannot_be_described_is_lost_alone() -> None:
    """The next one is sent."""

    class Odd(Exception):
        @property
        def __notes__(self) -> list[str]:
            raise SystemError("no notes")

    with sentry_server() as server:
        integration = unlimited(server)
        integration.offer(Odd(), 599, 500, {})
        integration.offer(ValueError(), 599, 500, {})
        assert integration.flush(5)
        assert (len(server.events), integration.counts.dropped["building"]) == (1, 1)


@pytest.mark.parametrize("variable", ["SENTRY_SPOTLIGHT", "SENTRY_PRINT_ENVELOPES", "SENTRY_DEBUG"])
def test_no_variable_of_the_sdk_opens_a_way_around_the_masking(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], variable: str
) -> None:
    """Spotlight and the envelope printer would show everything as it is."""
    with sentry_server() as spotlight, sentry_server() as server:
        monkeypatch.setenv(variable, spotlight.dsn.split("@")[1].join(("http://", "/stream")))
        if variable != "SENTRY_SPOTLIGHT":
            monkeypatch.setenv(variable, "1")
        integration = unlimited(server)
        integration.offer(ValueError("a@b.example"), 599, 500, {})
        assert integration.flush(5)
        assert (len(server.events), spotlight.requests) == (1, 0)
    shown = capfd.readouterr()
    assert "a@b.example" not in shown.out + shown.err


def test_a_helper_never_raises() -> None:
    """Whatever it is given; what can't be taken is counted."""

    class Odd:
        def __str__(self) -> str:
            raise SystemError("no text")

    odd: Any = Odd()
    with sentry_server() as server:
        integration = sentry.init_sentry(MetricsConfig(sentry_enabled=True, sentry_dsn=server.dsn))
        assert integration is not None
        sentry.set_user_context(odd)
        sentry.add_breadcrumb(odd)
        sentry.capture_exception_with_facts(ValueError(), unknown=1)
        assert (integration.counts.dropped["building"], integration.counts.waiting) == (3, 0)
        sentry.capture_exception_with_facts(ValueError(), tags={"a": odd})
        assert integration.flush(5)
        assert (integration.counts.dropped["building"], server.requests) == (4, 0)
    sentry._default = None


async def test_a_broken_integration_fails_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Telemetry never breaks what it watches."""
    with sentry_server() as server, reporting(server) as app:
        monkeypatch.setattr(app.state.sentry, "_submit", lambda report: 1 / 0)
        answer = await request(app, "/raise/overloaded")
        assert (answer.status, app.state.error_metrics.snapshot().total_errors) == (503, 1)
        assert sentry._default is app.state.sentry
