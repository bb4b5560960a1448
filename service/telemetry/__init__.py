"""What the service tells about itself besides errors."""

from .health import health_router
from .http_metrics import HTTPMetrics, set_app_info
from .labels import CardinalityLimiter

__all__ = ["CardinalityLimiter", "HTTPMetrics", "health_router", "set_app_info"]
