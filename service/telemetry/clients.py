"""Calls to other services: counted, timed and traced, and the request's id passed on."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx
from prometheus_client import CollectorRegistry

from service.error_metrics.cells import make_counter, make_histogram

from .http_metrics import BUCKETS
from .request_id import HEADER, current_request

if TYPE_CHECKING:
    from .tracing import ChildSpans

NO_ANSWER = "none"
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class ClientMetrics:
    """`http_client_requests_total` and `http_client_request_duration_seconds`.

    Args:
        registry: where they are registered.

    Raises:
        ValueError: the registry holds series of these names already.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = make_counter(
            "http_client_requests_total",
            "Calls to other services by exact status, none where no answer came.",
            ("peer", "method", "status_code"),
            registry,
        )
        self._durations = make_histogram(
            "http_client_request_duration_seconds",
            "Time until the head of the answer was there.",
            ("peer", "method"),
            BUCKETS,
            registry,
        )

    def add(self, peer: str, method: str, status: str, seconds: float) -> None:
        """Count one call."""
        self._requests.labels(peer, method, status).inc()
        self._durations.labels(peer, method).observe(seconds)


class MeasuredTransport(httpx.AsyncBaseTransport):
    """A transport of httpx around another one.

    Args:
        peer: the other service's name, which is a label.
        inner: sends.
        metrics: counts; None counts nothing.
        spans: makes a span of each call and passes its context on; None does neither.
    """

    def __init__(
        self,
        peer: str,
        inner: httpx.AsyncBaseTransport,
        metrics: ClientMetrics | None = None,
        spans: ChildSpans | None = None,
    ) -> None:
        self._peer = peer
        self._inner = inner
        self._metrics = metrics
        self._spans = spans

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        served = current_request()
        if served is not None:
            request.headers[HEADER.decode()] = served.scope["state"]["request_id"]
        method = request.method if request.method in _METHODS else "_OTHER"
        span = None
        if self._spans is not None:
            span = self._spans.begin(f"{method} {self._peer}", self._facts(request, method))
            self._spans.pass_on(span, request.headers)
        started = perf_counter()
        status = NO_ANSWER
        error: BaseException | None = None
        found: dict[str, int] = {}
        try:
            response = await self._inner.handle_async_request(request)
            status = str(response.status_code)
            found = {"http.response.status_code": response.status_code}
            return response
        except BaseException as problem:  # a cancelled call has taken its time, too
            error = problem
            raise
        finally:
            if self._metrics is not None:
                self._metrics.add(self._peer, method, status, perf_counter() - started)
            if self._spans is not None:
                self._spans.end(span, error, found)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    def _facts(self, request: httpx.Request, method: str) -> dict[str, Any]:
        return {
            "http.request.method": method,
            "server.address": request.url.host,
            "url.path": request.url.path,
            "peer.service": self._peer,
        }


def make_client(
    peer: str,
    base_url: str,
    timeout: float,
    *,
    metrics: ClientMetrics | None = None,
    spans: ChildSpans | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Return a client of another service.

    Args:
        peer: its name, which is a label.
        base_url: where it is.
        timeout: seconds for each of connecting, sending and waiting.
        metrics: counts the calls.
        spans: traces them.
        transport: sends, instead of a connection pool.
    """
    inner = transport or httpx.AsyncHTTPTransport()
    return httpx.AsyncClient(
        base_url=base_url, timeout=timeout, transport=MeasuredTransport(peer, inner, metrics, spans)
    )
