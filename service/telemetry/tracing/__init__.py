"""Traces: the OpenTelemetry SDK, fed by the one measurement of a request."""

from .child_spans import ChildSpans
from .server_spans import ServerSpans
from .setup import Tracing, get_tracer, setup_tracing

__all__ = ["ChildSpans", "ServerSpans", "Tracing", "get_tracer", "setup_tracing"]
