"""Setting up traces: the OpenTelemetry SDK by its standard variables, with losses counted."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from service.error_metrics.masking import Masker
from service.telemetry.ids import ask_for_span

from .batches import make_batches
from .child_spans import ChildSpans
from .losses import OWN_SCOPE, CountedExporter, CountedQueue, SpanLosses
from .server_spans import ServerSpans
from .variables import check_variables

_provider: TracerProvider | None = None


class Tracing:
    """The traces of the process, as they were set up."""

    def __init__(self, provider: TracerProvider, losses: SpanLosses, *, sent: bool) -> None:
        self._provider = provider
        self._sent = sent
        self._losses = losses

    def export(self, registry: CollectorRegistry) -> None:
        """Export `otel_spans_dropped_total`.

        Raises:
            ValueError: the registry holds series of this name already.
        """
        self._losses.register(registry)

    def server_spans(self) -> ServerSpans:
        """Return the observer that makes a span of each request."""
        return ServerSpans(self._provider.get_tracer(OWN_SCOPE), sent=self._sent)

    def child_spans(self) -> ChildSpans:
        """Return what makes spans of queries and calls."""
        return ChildSpans(self._provider.get_tracer(OWN_SCOPE))

    def flush(self, timeout: float = 3.0) -> bool:
        """Send what waits; False when `timeout` seconds were too short."""
        return self._provider.force_flush(int(timeout * 1000))

    def close(self, timeout: float = 3.0) -> bool:
        """Send what waits, and stop; False when `timeout` seconds were too short. Further spans are lost."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces-closing", daemon=True)
        closing.start()  # a collector that hangs would keep us for half a minute
        closing.join(timeout)
        ask_for_span(None)
        return not closing.is_alive()


def setup_tracing(
    facts: Mapping[str, str],
    *,
    masker: Masker | None = Masker(),  # noqa: B008  # it never changes
    exporter: SpanExporter | None = None,
) -> Tracing:
    """Make and send spans as the standard variables `OTEL_*` say.

    Args:
        facts: `service`, `version` and `environment`, for the resource; `OTEL_SERVICE_NAME` and
            `OTEL_RESOURCE_ATTRIBUTES` win.
        masker: hides personal data and secrets in what spans tell; None hides nothing.
        exporter: where spans go, instead of where `OTEL_EXPORTER_OTLP_*` say.

    Raises:
        ValueError: a variable has a value that can't be used, or the extra `otel` is not installed.
    """
    global _provider  # whoever makes spans of their own has no application to carry it
    check_variables()
    losses = SpanLosses()
    # A client must not switch off the traces of its own errors, so its flag counts only where a sampler says so.
    sampler = None if os.environ.get("OTEL_TRACES_SAMPLER") else ALWAYS_ON
    provider = TracerProvider(sampler, _resource(facts), shutdown_on_exit=False)
    exporter = exporter or _exporter()
    if exporter is not None:
        batches = make_batches(CountedExporter(exporter, losses, masker))
        provider.add_span_processor(CountedQueue(batches, losses))
    _provider = provider
    ask_for_span(_span_of_now)
    return Tracing(provider, losses, sent=exporter is not None)


def get_tracer(name: str = "service") -> Tracer:
    """Return a tracer: `with get_tracer().start_as_current_span("score"):`; without `setup_tracing` it does nothing."""
    return trace.get_tracer(name) if _provider is None else _provider.get_tracer(name)


def _resource(facts: Mapping[str, str]) -> Resource:
    known = {
        "service.name": facts.get("service", "service"),
        "service.version": facts.get("version", "unknown"),
        "deployment.environment.name": facts.get("environment", "development"),
    }
    told = Resource.create().attributes  # of the standard variables
    named = bool(os.environ.get("OTEL_SERVICE_NAME")) or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    wins = {name: value for name, value in told.items() if name != "service.name" or named}
    return Resource({**known, **wins})


def _exporter() -> SpanExporter | None:
    kind = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if kind == "none":
        return None
    if kind != "otlp":
        raise ValueError(f"OTEL_TRACES_EXPORTER: there is no {kind!r} here, use otlp or none")
    protocol = (
        os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
        or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        or "http/protobuf"
    )
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OverHTTP

        return OverHTTP()
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGRPC

        return OverGRPC()
    raise ValueError(f"OTEL_EXPORTER_OTLP_PROTOCOL: there is no {protocol!r}, use grpc or http/protobuf")


def _span_of_now() -> str | None:
    context = trace.get_current_span().get_span_context()
    return f"{context.span_id:016x}" if context.is_valid else None
