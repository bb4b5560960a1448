"""A span for each request, by the one measurement."""

from __future__ import annotations

from contextvars import Token

from opentelemetry import propagate
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

from service.error_metrics.classify import classify, message_of
from service.error_metrics.masking import MAX_TEXT
from service.error_metrics.measurement import UNMATCHED, MeasuredRequest, RequestObserver, Scope
from service.telemetry.keeping import MARKED_FRACTION, failed_severely, fraction

MARK = "sampling.marked"
_SPAN, _TOKEN = "service.span", "service.span_token"  # where they are in the scope


class ServerSpans(RequestObserver):
    """Continues the client's trace or begins one, and ends the span with the answer.

    `scope["state"]` gets `trace_id` and `span_id`, for logs and errors, and whether the trace is recorded and marked:
    the collector keeps what is marked, so exemplars, logs and traces agree on it.

    Args:
        tracer: makes the spans.
        sent: whether spans go anywhere; if not, an exemplar would lead nowhere.
    """

    def __init__(self, tracer: Tracer, *, sent: bool = True) -> None:
        self._tracer = tracer
        self._sent = sent
        self._carried = frozenset(name.encode() for name in propagate.get_global_textmap().fields)

    def started(self, request: MeasuredRequest) -> None:
        """Begin the span, and make it the parent of what the application does."""
        scope, method = request.scope, request.method
        parent = self._parent(scope)
        state = scope["state"]
        attributes = {
            "http.request.method": method,
            "url.path": scope["path"][: MAX_TEXT + 1],
            "url.scheme": scope.get("scheme", "http"),
            "request.id": state["request_id"],
        }
        span = self._tracer.start_span(method, parent, SpanKind.SERVER, attributes)
        context = span.get_span_context()
        if context.is_valid:  # it is not when OTEL_SDK_DISABLED says that there are no spans
            state["trace_id"], state["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
        if span.is_recording():
            state["trace_recorded"] = self._sent
            if fraction(state["trace_id"]) < MARKED_FRACTION:
                state["trace_marked"] = True
                span.set_attribute(MARK, True)
        scope[_SPAN] = span
        scope[_TOKEN] = attach(set_span_in_context(span, parent))

    def finished(self, request: MeasuredRequest) -> None:
        """Tell how the request ended, and end the span."""
        span: Span = request.scope[_SPAN]
        try:
            if span.is_recording():
                self._tell_all(span, request)
        finally:
            span.end()

    @staticmethod
    def _tell_all(span: Span, request: MeasuredRequest) -> None:
        facts: dict[str, AttributeValue] = {"http.response.status_code": request.status}
        if request.endpoint != UNMATCHED:
            span.update_name(f"{request.method} {request.endpoint}")
            facts["http.route"] = request.endpoint
        if request.error is not None:
            facts["error.code"] = _tell(span, request.error)
        if request.status >= 500 or failed_severely(request):
            span.set_status(StatusCode.ERROR)
            facts["error.type"] = _type_of(request)
        span.set_attributes(facts)

    def left(self, request: MeasuredRequest) -> None:
        """Let what runs on in this context be outside the trace again."""
        token: Token[Context] = request.scope.pop(_TOKEN)
        detach(token)

    def _parent(self, scope: Scope) -> Context:
        carrier: dict[str, str] = {}
        for name, value in scope["headers"]:
            if name in self._carried:
                key, text = name.decode(), value.decode("latin-1")
                if key == "traceparent" and key in carrier:  # two parents are none (W3C Trace Context, section 3.2.2)
                    return Context()
                carrier[key] = f"{carrier[key]},{text}" if key in carrier else text
        return propagate.extract(carrier, Context()) if carrier else Context()


def _type_of(request: MeasuredRequest) -> str:
    if request.error is not None:
        return type(request.error).__name__
    return type(request.exception).__name__ if request.exception is not None else str(request.status)


def _tell(span: Span, error: BaseException) -> int:
    code, _, name = classify(error)
    # Not `record_exception`: it formats a traceback, which takes longer than the request and shows internals.
    span.add_event("exception", {"exception.type": name, "exception.message": message_of(error)})
    return code
