"""What the service tells about itself besides errors."""

from .health import health_router
from .http_metrics import HTTPMetrics, set_app_info
from .labels import CardinalityLimiter
from .readiness import Check, NotReady, Readiness
from .request_id import RequestIds

__all__ = [
    "CardinalityLimiter",
    "Check",
    "HTTPMetrics",
    "NotReady",
    "Readiness",
    "RequestIds",
    "health_router",
    "set_app_info",
]
