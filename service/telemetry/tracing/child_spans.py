"""Spans of what a request waits for: queries, the cache, other services."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from opentelemetry import propagate
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, get_current_span, set_span_in_context
from opentelemetry.util.types import AttributeValue


class ChildSpans:
    """Makes client spans below what is recorded already, and none elsewhere: a start or a probe is no trace.

    Args:
        tracer: makes the spans.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, name: str, attributes: Mapping[str, AttributeValue]) -> Span | None:
        """Begin a span, if the current one is recorded."""
        if not get_current_span().is_recording():
            return None
        return self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)

    def pass_on(self, span: Span | None, headers: MutableMapping[str, str]) -> None:
        """Put the context of `span`, or of the current one, into the headers of a call."""
        propagate.inject(headers, set_span_in_context(span) if span is not None else None)

    def end(
        self, span: Span | None, error: BaseException | None = None, found: Mapping[str, AttributeValue] | None = None
    ) -> None:
        """End a span, with what the caller has found out since."""
        if span is None:
            return
        if found:
            span.set_attributes(found)
        if error is not None:
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", type(error).__name__)
        span.end()
