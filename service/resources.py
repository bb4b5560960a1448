"""What the parts of a service share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from service.telemetry.cache import CacheMetrics
from service.telemetry.circuit_breaker import BreakerStates

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from service.telemetry.tracing import ChildSpans


@dataclass(frozen=True)
class Resources:
    """Connections, and where to count and trace.

    Attributes:
        engine: the database.
        redis: what replicas share; None when each is alone.
        registry: where metrics are registered; None when nothing is counted.
        spans: traces calls and commands; None when nothing is traced.
        caches: counts hits and misses.
        breakers: shows the states of circuit breakers.
    """

    engine: AsyncEngine
    redis: Redis | None = None
    registry: CollectorRegistry | None = None
    spans: ChildSpans | None = None
    caches: CacheMetrics | None = None
    breakers: BreakerStates | None = None

    @classmethod
    def counted(
        cls, engine: AsyncEngine, redis: Redis | None, registry: CollectorRegistry | None, spans: ChildSpans | None
    ) -> Resources:
        """Return resources with the metrics that all parts count in; these are registered here, once.

        Raises:
            ValueError: the registry holds series of their names already.
        """
        if registry is None:
            return cls(engine, redis, None, spans)
        return cls(engine, redis, registry, spans, CacheMetrics(registry), BreakerStates(registry))
