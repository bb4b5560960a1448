"""Spans that are sent to Sentry while nobody else owns the traces."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.error_metrics import MetricsConfig, SentryIntegration
from service.error_metrics.sentry_spans import NO_SPAN
from tests.sentry_server import SentryServer, sentry_server


def tracing(server: SentryServer, **changes: Any) -> SentryIntegration:
    """An integration that sends every span."""
    rates = {"sentry_traces_sample_rate": 1, **changes}
    return SentryIntegration(MetricsConfig(sentry_enabled=True, sentry_dsn=server.dsn, **rates))


def test_an_error_in_the_block_goes_on_and_marks_the_transaction() -> None:
    """The block is not changed by being timed."""
    with sentry_server() as server:
        integration = tracing(server)
        with pytest.raises(KeyError), integration.transaction("evaluate"):
            raise KeyError
        assert integration.flush(5)
        assert server.items("transaction")[0]["contexts"]["trace"]["status"] == "internal_error"
        assert (server.events, integration.counts.sent) == ([], 1)


def test_a_rate_of_zero_sends_none() -> None:
    """The block runs with a span that does nothing."""
    with sentry_server() as server:
        integration = tracing(server, sentry_traces_sample_rate=0)
        with integration.transaction("evaluate") as span:
            assert span is NO_SPAN
        assert integration.flush(5)
        assert server.requests == 0


def test_whoever_owns_the_traces_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    """Two owners would tell two stories."""
    caplog.set_level(logging.INFO)
    with sentry_server() as server:
        integration = tracing(server)
        integration.leave_traces_to("OpenTelemetry")
        integration.leave_traces_to("OpenTelemetry")
        with integration.transaction("evaluate") as span:
            assert span is NO_SPAN
    assert [record.getMessage() for record in caplog.records if "traces go to" in record.getMessage()] == [
        "sentry_traces_sample_rate and sentry_profiles_sample_rate are ignored, traces go to OpenTelemetry"
    ]


def test_opentelemetry_is_noticed_when_it_is_on_and_not_when_it_is_only_installed(repository: Path) -> None:
    """A provider was set, so spans go there."""
    script = (
        "import opentelemetry.trace\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from service.error_metrics import MetricsConfig, SentryIntegration\n"
        "dsn = 'https://k@sentry.invalid/1'\n"
        "made = SentryIntegration(MetricsConfig(sentry_enabled=True, sentry_dsn=dsn, sentry_traces_sample_rate=1))\n"
        "with made.transaction('one') as span:\n"
        "    print(type(span).__name__)\n"
        "opentelemetry.trace.set_tracer_provider(TracerProvider())\n"
        "with made.transaction('two') as span:\n"
        "    print(type(span).__name__)\n"
        "import os; os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-uc", script], capture_output=True, text=True, cwd=repository)
    assert (done.stdout.split(), done.stderr) == (["Transaction", "NoSpan"], "")


def test_profiles_come_with_their_transaction(repository: Path) -> None:
    """In a process of its own: the SDK's profiler is one for the process."""
    script = (
        "import time\n"
        "from service.error_metrics import MetricsConfig, SentryIntegration\n"
        "from tests.sentry_server import sentry_server\n"
        "with sentry_server() as server:\n"
        "    made = SentryIntegration(MetricsConfig(sentry_enabled=True, sentry_dsn=server.dsn,\n"
        "        sentry_traces_sample_rate=1, sentry_profiles_sample_rate=1))\n"
        "    with made.transaction('evaluate'):\n"
        "        end = time.monotonic() + 0.3\n"
        "        while time.monotonic() < end: pass\n"
        "    assert made.flush(5)\n"
        "    print(len(server.items('transaction')), len(server.items('profile')))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=repository)
    assert (done.stdout.split(), done.stderr) == (["1", "1"], "")


def test_a_span_that_cannot_begin_does_not_stop_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, and the block runs."""
    with sentry_server() as server:
        integration = tracing(server)
        monkeypatch.setattr(integration._client, "transaction", lambda name, op: 1 / 0)
        with integration.transaction("evaluate") as span:
            assert span is NO_SPAN
        assert integration.counts.dropped["building"] == 1
