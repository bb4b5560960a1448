"""Error metrics for FastAPI: counted at once, kept, shown and exported.

    app = FastAPI()
    setup_exception_handler(app)

is the whole integration. The package imports nothing of the rest of this repository and can be copied elsewhere.
"""

from .collector import ErrorMetricsCollector
from .config import ErrorHandlerConfig, MetricsConfig
from .dashboard import DashboardAPI
from .domains import ErrorDomain
from .errors import BaseAppException
from .handlers import setup_exception_handler
from .jobs import observe_errors
from .masking import mask_pii
from .prometheus import PrometheusExporter
from .registry import ExceptionRegistry, register_exception
from .sentry_integration import SentryIntegration
from .setup import setup_metrics

__all__ = [
    "BaseAppException",
    "DashboardAPI",
    "ErrorDomain",
    "ErrorHandlerConfig",
    "ErrorMetricsCollector",
    "ExceptionRegistry",
    "MetricsConfig",
    "PrometheusExporter",
    "SentryIntegration",
    "mask_pii",
    "observe_errors",
    "register_exception",
    "setup_exception_handler",
    "setup_metrics",
]
