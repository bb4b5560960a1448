"""The ids that join a log line, an error, an exemplar and a trace."""

from __future__ import annotations

from collections.abc import Callable

from .request_id import current_request

_span_of_now: Callable[[], str | None] | None = None


def ask_for_span(span_of_now: Callable[[], str | None] | None) -> None:
    """Let log lines name the innermost span rather than that of the request; tracing does this when it is set up."""
    global _span_of_now  # a logger has no application to carry it
    _span_of_now = span_of_now


def current_ids() -> tuple[str | None, str | None, str | None]:
    """Return the request id, trace id and span id of what runs here, as far as there are any."""
    request = current_request()
    if request is None:
        return None, None, None
    state = request.scope["state"]
    trace_id = state.get("trace_id")
    if trace_id is None:
        return state["request_id"], None, None
    return state["request_id"], trace_id, (_span_of_now() if _span_of_now else None) or state.get("span_id")
