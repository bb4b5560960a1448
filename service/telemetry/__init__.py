"""What the service tells about itself besides errors."""

from .dependencies import DependencyUp
from .event_loop import EventLoopLag
from .health import health_router
from .http_metrics import HTTPMetrics, set_app_info
from .labels import CardinalityLimiter
from .limits import ProcessLimits
from .readiness import Check, NotReady, Readiness
from .request_id import RequestIds
from .security_headers import SecurityHeaders

__all__ = [
    "CardinalityLimiter",
    "Check",
    "DependencyUp",
    "EventLoopLag",
    "HTTPMetrics",
    "NotReady",
    "ProcessLimits",
    "Readiness",
    "RequestIds",
    "SecurityHeaders",
    "health_router",
    "set_app_info",
]
