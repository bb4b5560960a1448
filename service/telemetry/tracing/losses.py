"""Spans on their way out: masked, bounded, and counted when they are lost."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanContext, Status
from prometheus_client import CollectorRegistry

from service.error_metrics.masking import Masker
from service.error_metrics.told import is_own_id
from service.telemetry.early_counter import EarlyCounter

QUEUE_FULL, EXPORT_FAILED, NOT_MASKED, CLOSED = "queue_full", "export_failed", "not_masked", "closed"
OWN_SCOPE = "service.telemetry"  # of the spans that we make ourselves
# What we set ourselves from a fixed set of values; masking it would be work for nothing.
_SAFE = frozenset(
    (
        *("http.request.method", "http.route", "http.response.status_code", "url.scheme", "client.address"),
        *("db.system.name", "db.operation.name", "db.collection.name", "error.type", "error.code", "exception.type"),
        *("sampling.marked", "server.address"),
    )
)
_OWN_ID = _SAFE | {"request.id"}  # where it is one that no client has chosen


class SpanLosses:
    """How many spans were lost, by reason."""

    def __init__(self) -> None:
        self._counter = EarlyCounter("otel_spans_dropped_total", "Spans that were not sent.", ("reason",))

    def register(self, registry: CollectorRegistry) -> None:
        """Export the counts.

        Raises:
            ValueError: the registry holds series of this name already.
        """
        self._counter.register(registry, ((reason,) for reason in (QUEUE_FULL, EXPORT_FAILED, NOT_MASKED, CLOSED)))

    def add(self, reason: str, number: int = 1) -> None:
        """Count lost spans."""
        self._counter.add(reason, number=number)


class CountedQueue(SpanProcessor):
    """Lets into the SDK's queue only what fits: the SDK would throw out spans without telling how many.

    Args:
        batches: the SDK's processor, whose exporter is a `CountedExporter`.
        losses: counts what does not fit.
    """

    def __init__(self, batches: BatchSpanProcessor, losses: SpanLosses) -> None:
        exporter = batches.span_exporter
        if not isinstance(exporter, CountedExporter):
            raise TypeError("CountedQueue: the exporter must be a CountedExporter")
        self._batches = batches
        self._losses = losses
        self._exporter = exporter
        self._limit: int = batches._batch_processor._max_queue_size  # noqa: SLF001  # read from OTEL_BSP_MAX_QUEUE_SIZE
        self._open = True

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing to do."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span that is to be sent."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        if not self._open:
            self._losses.add(CLOSED)
        elif not self._exporter.expect(self._limit):
            self._losses.add(QUEUE_FULL)
        else:
            self._batches.on_end(span)

    def shutdown(self) -> None:
        """Send what waits, and take no more."""
        self._open = False
        self._batches.shutdown()  # type: ignore[no-untyped-call]  # the SDK's

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits; False when the time was too short."""
        return self._batches.force_flush(timeout_millis)


class CountedExporter(SpanExporter):
    """Masks spans before another exporter sends them, in the SDK's thread, and counts what could not be sent.

    Args:
        exporter: sends.
        losses: counts.
        masker: hides personal data and secrets; None hides nothing.
    """

    def __init__(self, exporter: SpanExporter, losses: SpanLosses, masker: Masker | None) -> None:
        self._exporter = exporter
        self._losses = losses
        self._masker = masker
        self._lock = threading.Lock()
        self._waiting = 0

    def expect(self, limit: int) -> bool:
        """Count a span as waiting, unless `limit` do."""
        with self._lock:
            if self._waiting >= limit:
                return False
            self._waiting += 1
            return True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans."""
        with self._lock:
            self._waiting -= len(spans)
        masked = spans if self._masker is None else self._masked(spans, self._masker)
        try:
            result = self._exporter.export(masked)
        except Exception:  # noqa: BLE001  # whatever is wrong with the collector's address or answer
            result = SpanExportResult.FAILURE
        if result is not SpanExportResult.SUCCESS:
            self._losses.add(EXPORT_FAILED, len(masked))
        return result

    def shutdown(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return self._exporter.force_flush(timeout_millis)

    def _masked(self, spans: Sequence[ReadableSpan], masker: Masker) -> list[ReadableSpan]:
        masked = []
        for span in spans:
            try:
                masked.append(mask_span(span, masker))
            except Exception:  # noqa: BLE001  # what can't be masked is not sent
                self._losses.add(NOT_MASKED)
        return masked


def mask_span(span: ReadableSpan, masker: Masker) -> ReadableSpan:
    """Return a span with personal data and secrets hidden in all that it tells: itself, if it holds none."""
    attributes = span.attributes or {}
    request_id = attributes.get("request.id")
    safe = _OWN_ID if isinstance(request_id, str) and is_own_id(request_id) else _SAFE
    own = span.instrumentation_scope is not None and span.instrumentation_scope.name == OWN_SCOPE
    if not own:  # somebody else's span may call anything by these names
        safe = frozenset()
    told = {name: value for name, value in attributes.items() if name not in safe}
    masked = masker.value(told)
    name = span.name if own and "http.route" in attributes else masker.text(span.name)
    context = _masked_context(span.context, masker)
    if (
        context is span.context
        and not (span.events or span.links or span.status.description)
        and masked == told
        and name == span.name
    ):
        return span
    return ReadableSpan(
        name,
        context,
        span.parent,
        span.resource,
        {**{name: value for name, value in attributes.items() if name in safe}, **masked},
        [Event(event.name, masker.value(event.attributes), event.timestamp) for event in span.events],
        [Link(_masked_context(link.context, masker), masker.value(link.attributes)) for link in span.links],
        span.kind,
        status=_masked_status(span.status, masker),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _masked_context(context: SpanContext, masker: Masker) -> SpanContext:
    """Return a context without the callers' `tracestate` where that holds something to hide."""
    if not context.trace_state:
        return context
    state = context.trace_state.to_header()
    if masker.text(state) == state:
        return context
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)


def _masked_status(status: Status, masker: Masker) -> Status:
    return Status(status.status_code, masker.text(status.description)) if status.description else status
