"""What the service tells about itself besides errors."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .health import health_router
from .http_metrics import HTTPMetrics, set_app_info
from .labels import CardinalityLimiter
from .readiness import Check, NotReady, Readiness
from .record import record_http_request

if TYPE_CHECKING:
    from .database import instrument_database
    from .logs import LogSampler, get_logger, setup_logging
    from .tracing import get_tracer, setup_tracing

__all__ = [
    "CardinalityLimiter",
    "Check",
    "HTTPMetrics",
    "LogSampler",
    "NotReady",
    "Readiness",
    "get_logger",
    "get_tracer",
    "health_router",
    "instrument_database",
    "record_http_request",
    "set_app_info",
    "setup_logging",
    "setup_tracing",
]

# structlog, SQLAlchemy and OpenTelemetry are imported when somebody asks for them: metrics alone need none.
_LATER = {
    "instrument_database": "database",
    "LogSampler": "logs",
    "get_logger": "logs",
    "setup_logging": "logs",
    "get_tracer": "tracing",
    "setup_tracing": "tracing",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
