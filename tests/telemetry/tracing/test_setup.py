"""Traces by the standard variables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.telemetry.tracing import get_tracer, setup_tracing

FACTS = {"service": "till", "version": "2.0", "environment": "staging"}


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin", "there is no 'zipkin' here, use otlp or none"),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "udp",
            "there is no 'udp', use grpc or http/protobuf",
        ),
        ("OTEL_BSP_SCHEDULE_DELAY", "0", "'0' is no whole number from 1 on, the default is 5000"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "-1", "'-1' is no whole number from 0 on, the default is 30000"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many", "'many' is no whole number from 1 on, the default is 2048"),
        (
            "OTEL_BSP_MAX_QUEUE_SIZE",
            "10",
            "10 is less than OTEL_BSP_MAX_EXPORT_BATCH_SIZE, 512; raise it or lower the other",
        ),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1.5", "'1.5' is no whole number from 1 on, the default is 512"),
    ],
)
def test_an_unknown_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    """In one line."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=f"^{variable}: {message}$"):
        setup_tracing(FACTS)


def test_an_empty_number_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files and charts write empty ones."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "")
    assert setup_tracing(FACTS, exporter=InMemorySpanExporter()).close()


def test_spans_can_go_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_TRACES_EXPORTER=none: ids for logs without a collector."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    tracing = setup_tracing(FACTS)
    with get_tracer().start_as_current_span("x") as span:
        assert span.get_span_context().is_valid
    assert tracing.close()


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "till"),
        ({"OTEL_SERVICE_NAME": "desk"}, "desk"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=desk,shard=3"}, "desk"),
    ],
)
def test_the_resource_tells_who_speaks(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], name: str) -> None:
    """The standard variables win."""
    for variable, value in {"OTEL_TRACES_EXPORTER": "none", **environ}.items():
        monkeypatch.setenv(variable, value)
    tracing = setup_tracing(FACTS)
    attributes = tracing._provider.resource.attributes
    assert (attributes["service.name"], attributes["service.version"]) == (name, "2.0")
    assert attributes.get("shard") == ("3" if "shard" in str(environ) else None)
    assert tracing.close()


def test_off_costs_nothing(repository: Path) -> None:
    """Neither the SDK nor structlog is imported by the metrics, and no SDK by a service without traces."""
    code = """
import sys
from service.telemetry import HTTPMetrics
assert "structlog" not in sys.modules and "sqlalchemy" not in sys.modules
from service.app import create_app
from service.settings import Settings
create_app(Settings())
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "sentry_sdk"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=repository)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_TRACES_SAMPLER", "foo"),
        ("OTEL_TRACES_SAMPLER_ARG", "x"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "abc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector"),
    ],
)
def test_a_value_that_can_not_be_meant_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """The SDK would overlook it, and trace otherwise than was asked."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=f"^{variable}: "):
        setup_tracing(FACTS)
