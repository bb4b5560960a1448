"""Who calls: requests by the name of their API key."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from prometheus_client import CollectorRegistry

from service.error_metrics.cells import make_counter
from service.error_metrics.measurement import MeasuredRequest, RequestObserver

HEADER = b"x-api-key"
UNKNOWN = "unknown"


class APIKeys(RequestObserver):
    """`api_key_requests_total`, by the name of the key and never by the key. It counts; it lets nobody in or out.

    Args:
        keys: keys by name; unknown ones are counted as `unknown`, requests without one not at all.
        registry: where the counter is registered.

    Raises:
        ValueError: the registry holds a series of this name already.
    """

    def __init__(self, keys: Mapping[str, str], registry: CollectorRegistry) -> None:
        family = make_counter("api_key_requests_total", "Requests by the name of their API key.", ("key",), registry)
        self._unknown = family.labels(UNKNOWN)
        # Digests, so that how long a look-up takes tells nothing about a key, and no key is kept in memory.
        self._named = {_digest(key.encode()): family.labels(name) for name, key in keys.items()}

    def finished(self, request: MeasuredRequest) -> None:
        """Count a request that brought a key."""
        for name, value in request.scope["headers"]:
            if name == HEADER:
                self._named.get(_digest(value), self._unknown).inc()
                return


def _digest(key: bytes) -> bytes:
    return sha256(key).digest()
