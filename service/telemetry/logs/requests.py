"""The one line that each request has."""

from __future__ import annotations

import time
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from service.error_metrics.classify import classify
from service.error_metrics.masking import MAX_TEXT
from service.error_metrics.measurement import MeasuredRequest, RequestObserver
from service.telemetry.keeping import worth_keeping

from .config import LEVELS, Level
from .lines import Line
from .pipeline import Pipeline

LOGGER = "service.request"
_PREFIX = {4: 24, 6: 48}  # bits of an address that tell a network, not a person


class RequestLines(RequestObserver):
    """Logs requests as they end, and what they hold if they are worth keeping.

    Args:
        pipeline: takes the lines.
        client_ip: `masked`, `full` or `off`.
        level: lines below are not made, not even of requests worth keeping.
    """

    def __init__(self, pipeline: Pipeline, client_ip: str, level: Level = "info") -> None:
        self._pipeline = pipeline
        self._client_ip = client_ip
        self._made = frozenset(name for name, number in LEVELS.items() if number >= LEVELS[level])

    def finished(self, request: MeasuredRequest) -> None:
        """Log a request that is over."""
        level = "error" if request.status >= 500 else "info"
        if self._pipeline.ends(request, level if level in self._made else None, worth_keeping(request)):
            self._pipeline.write(self._line(request, level))

    def _line(self, request: MeasuredRequest, level: str) -> Line:
        state = request.scope["state"]
        return Line(
            time.time(),
            level,
            LOGGER,
            "request",
            self._fields(request),
            request_id=state["request_id"],
            trace_id=state.get("trace_id"),
            span_id=state.get("span_id"),
            request_line=True,
        )

    def _fields(self, request: MeasuredRequest) -> dict[str, Any]:
        fields = {
            "method": request.method,
            "endpoint": request.endpoint,
            "path": request.scope["path"][: MAX_TEXT + 1],
            "status_code": request.status,
            "duration_ms": round(request.duration * 1000, 3),
        }
        client = request.scope.get("client")
        if client and self._client_ip != "off":
            fields["client_ip"] = network_of(client[0]) if self._client_ip == "masked" else client[0]
        if request.error is not None:
            fields["error_code"], _, fields["error_name"] = classify(request.error)
        return fields


@lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """Return the first address of the /24 (IPv4) or /48 (IPv6) network that an address is in; `***` for no address."""
    try:
        found = ip_address(address)
    except ValueError:
        return "***"
    return str(ip_network(f"{found}/{_PREFIX[found.version]}", strict=False).network_address)
