"""The middleware that tutorials about FastAPI and Prometheus teach, with the metrics the other variants have."""

import time

from prometheus_client import Counter, Gauge, Histogram
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

from loadtest.overhead.variants import BUCKETS

REQUESTS = Counter("http_requests_total", "Requests", ["method", "endpoint", "status_code"])
LATENCY = Histogram("http_request_duration_seconds", "Latency", ["method", "endpoint"], buckets=BUCKETS)
IN_PROGRESS = Gauge("http_requests_in_progress", "Requests in progress", ["method"])
REQUEST_BYTES = Counter("http_request_bytes_total", "Request bytes")
RESPONSE_BYTES = Counter("http_response_bytes_total", "Response bytes")


class TutorialMiddleware(BaseHTTPMiddleware):
    """Times each request and calls `.labels(...)` for each number, as the tutorials do."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Measure one request."""
        method = request.method
        IN_PROGRESS.labels(method=method).inc()
        start = time.perf_counter()
        try:
            response = await call_next(request)
        finally:
            IN_PROGRESS.labels(method=method).dec()
        endpoint = getattr(request.scope.get("route"), "path", "unknown")
        REQUESTS.labels(method=method, endpoint=endpoint, status_code=response.status_code).inc()
        LATENCY.labels(method=method, endpoint=endpoint).observe(time.perf_counter() - start)
        REQUEST_BYTES.inc(int(request.headers.get("content-length", 0)))
        RESPONSE_BYTES.inc(int(response.headers.get("content-length", 0)))
        return response
