"""Spans that are not sent are counted, and never in the way."""

from __future__ import annotations

import threading
import time

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, StaticSampler
from prometheus_client import CollectorRegistry

from service.error_metrics.masking import Masker
from service.telemetry.tracing import Tracing, get_tracer, setup_tracing
from tests.collectors import collector

FACTS = {"service": "till"}


def tracing_to(monkeypatch: pytest.MonkeyPatch, address: str) -> tuple[Tracing, CollectorRegistry]:
    """Set traces up for a collector."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
    tracing, registry = setup_tracing(FACTS), CollectorRegistry()
    tracing.export(registry)
    return tracing, registry


def dropped(registry: CollectorRegistry, *reasons: str) -> float:
    """Return how many spans were lost."""
    name = "otel_spans_dropped_total"
    return sum(registry.get_sample_value(name, {"reason": reason}) or 0 for reason in reasons)


def make(number: int) -> float:
    """Make spans, and return how long the slowest took, in seconds."""
    slowest = 0.0
    for _ in range(number):
        started = time.perf_counter()
        with get_tracer().start_as_current_span("x"):
            pass
        slowest = max(slowest, time.perf_counter() - started)
    return slowest


@pytest.mark.parametrize("mood", ["hangs", "refuses", "closes"])
@pytest.mark.filterwarnings("ignore")
def test_a_bad_collector_costs_spans_only(monkeypatch: pytest.MonkeyPatch, mood: str) -> None:
    """Each is counted, nobody waits, and closing is bounded."""
    with collector(mood) as address:
        tracing, registry = tracing_to(monkeypatch, address)
        assert make(300) < 0.5
        started = time.monotonic()
        tracing.close(2)
        assert time.monotonic() - started < 3
        make(1)
    if mood == "refuses":
        assert dropped(registry, "queue_full", "export_failed") == 300
    if mood == "hangs":
        assert dropped(registry, "queue_full") >= 300 - 100 - 10
    assert dropped(registry, "closed") == 1


@pytest.mark.parametrize("address", ["http://collector.invalid:4318", "http://127.0.0.1:9"])
@pytest.mark.filterwarnings("ignore")
def test_a_collector_that_is_not_there_costs_spans_only(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Unknown to DNS, or nobody listens."""
    tracing, registry = tracing_to(monkeypatch, address)
    assert make(300) < 0.5
    started = time.monotonic()
    tracing.close(2)
    assert time.monotonic() - started < 3
    assert dropped(registry, "queue_full", "export_failed") > 0


def test_the_queue_is_bounded_and_what_does_not_fit_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly: the SDK would not say."""
    gate = threading.Event()

    class Slow(SpanExporter):
        sent = 0

        def export(self, spans: object) -> SpanExportResult:
            gate.wait(10)
            Slow.sent += len(spans)  # type: ignore[arg-type]
            return SpanExportResult.SUCCESS

    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "50")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
    tracing, registry = setup_tracing(FACTS, exporter=Slow()), CollectorRegistry()
    make(200)
    gate.set()
    assert tracing.close()
    tracing.export(registry)
    assert dropped(registry, "queue_full") == 200 - Slow.sent
    assert 50 <= Slow.sent <= 60 + 10


def test_a_span_that_nobody_wants_sent_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sampler may have spans recorded and not sent: they take no room in the queue, and none is counted."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
    tracing, registry = setup_tracing(FACTS, exporter=InMemorySpanExporter()), CollectorRegistry()
    tracing.export(registry)
    tracing._provider.sampler = StaticSampler(Decision.RECORD_ONLY)
    make(20)
    assert tracing.close()
    make(1)
    assert dropped(registry, "queue_full", "closed") == 0


def test_an_exporter_that_raises_is_counted() -> None:
    """Whatever is wrong with it."""

    class Broken(SpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            raise RuntimeError

    tracing, registry = setup_tracing(FACTS, exporter=Broken()), CollectorRegistry()
    tracing.export(registry)
    make(5)
    assert tracing.close()
    assert dropped(registry, "export_failed") == 5


def test_a_span_that_can_not_be_masked_is_not_sent() -> None:
    """It is counted, and takes no other with it."""
    sent: list[str] = []

    class Kept(SpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            sent.extend(span.name for span in spans)  # type: ignore[attr-defined]
            return SpanExportResult.SUCCESS

    class Breaking(Masker):
        def text(self, text: str) -> str:
            if text == "bad":
                raise RuntimeError
            return super().text(text)

    tracing, registry = setup_tracing(FACTS, exporter=Kept(), masker=Breaking()), CollectorRegistry()
    tracing.export(registry)
    for name in ("good", "bad", "good for bob@example.com"):
        with get_tracer().start_as_current_span(name):
            pass
    assert tracing.close()
    assert sent == ["good", "good for ***"]
    assert dropped(registry, "not_masked") == 1


def test_all_that_a_span_tells_is_masked() -> None:
    """Names, attributes, events, links and status."""
    sent: list[str] = []

    class Kept(SpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            sent.extend(span.to_json() for span in spans)  # type: ignore[attr-defined]
            return SpanExportResult.SUCCESS

    tracing = setup_tracing(FACTS, exporter=Kept())
    with get_tracer().start_as_current_span("to a@example.com") as first:
        pass
    span = get_tracer().start_span("x", attributes={"to": "b@example.com", "password": "c-secret"})
    span.set_attribute("list", ["d@example.com"])
    span.add_event("sent", {"to": "e@example.com"})
    span.add_link(first.get_span_context(), {"to": "f@example.com"})
    span.set_status(2, "no g@example.com")  # type: ignore[arg-type]
    span.set_attribute("h@example.com", "i")
    span.set_attribute("request.id", "j@example.com")
    span.end()
    assert tracing.close()
    text = "".join(sent)
    assert "@example.com" not in text
    assert "c-secret" not in text
