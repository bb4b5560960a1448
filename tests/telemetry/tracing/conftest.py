"""Spans kept in memory, on the way that all spans take."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from service.telemetry.tracing import Tracing, setup_tracing

FACTS = {"service": "till", "version": "2.0", "environment": "staging"}


class Traced:
    """Traces that are set up, and what was sent."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        self.tracing: Tracing = setup_tracing(FACTS, exporter=self._kept)
        self.registry = CollectorRegistry()
        self.tracing.export(self.registry)

    def spans(self) -> list[ReadableSpan]:
        """What was sent, in the order of the ends, and forget it."""
        assert self.tracing.flush()
        spans = list(self._kept.get_finished_spans())
        self._kept.clear()
        return spans


@pytest.fixture
def traced() -> Iterator[Traced]:
    """Set the traces up."""
    traced = Traced()
    yield traced
    assert traced.tracing.close()
