"""Traces: the OpenTelemetry SDK, fed by the one measurement of a request."""

from .server_spans import ServerSpans
from .setup import Tracing, get_tracer, setup_tracing

__all__ = ["ServerSpans", "Tracing", "get_tracer", "setup_tracing"]
