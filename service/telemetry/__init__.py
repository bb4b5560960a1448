"""What the service tells about itself besides errors."""

from .health import health_router
from .http_metrics import HTTPMetrics, set_app_info
from .labels import CardinalityLimiter
from .request_id import RequestIds

__all__ = ["CardinalityLimiter", "HTTPMetrics", "RequestIds", "health_router", "set_app_info"]
