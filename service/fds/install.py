"""The only door of fraud detection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI

from service.partners import Partners
from service.resources import Resources
from service.telemetry.circuit_breaker import CircuitBreaker

from .api import befall_all, fault_router, router
from .confusion import Confusion
from .decisions import Decisions
from .detection import FraudDetection
from .engines import ModelEngine, RulesEngine, ThreatsEngine
from .evaluation import Evaluator
from .faults import EngineFaults
from .history import FallbackHistory, History, MemoryHistory, RedisHistory
from .metrics import FDSMetrics
from .threat_lists import SAMPLE_LIST, CachedThreats, MemoryThreats, RedisThreats, ThreatList, read_list

if TYPE_CHECKING:
    from redis.asyncio import Redis


def install(app: FastAPI, resources: Resources, callers: Partners | None, *, faults_enabled: bool) -> FraudDetection:
    """Add the routes of fraud detection to `app`, and return what they ask.

    Args:
        app: the application, its error metrics set up and with a list of `watchers` that run with it.
        resources: the database for decisions; Redis, if there is one, for history and threat list.
        callers: those who may ask; None for everybody.
        faults_enabled: whether the fault switches can be reached.
    """
    history, threats = _shared(resources.redis, resources) if resources.redis is not None else _own()
    engines = (RulesEngine(), ModelEngine(), ThreatsEngine(threats))
    faults = EngineFaults(engine.name for engine in engines)
    registry, record = resources.registry, app.state.error_metrics.record
    metrics = FDSMetrics(registry, engines) if registry is not None else None
    detection = FraudDetection(
        Evaluator(engines, history, metrics, faults.befall if faults_enabled else None),
        history,
        Decisions(resources.engine, record),
        Confusion(registry) if registry is not None else None,
        record,
    )
    app.state.fraud_detection, app.state.fraud_callers, app.state.engine_faults = detection, callers, faults
    app.state.watchers.append(detection)
    app.include_router(router, dependencies=[Depends(befall_all)] if faults_enabled else None)
    if faults_enabled:
        app.include_router(fault_router)
    return detection


def _own() -> tuple[History, ThreatList]:
    return MemoryHistory(), MemoryThreats(read_list(SAMPLE_LIST.read_text("utf-8").splitlines()))


def _shared(redis: Redis, resources: Resources) -> tuple[History, ThreatList]:
    breaker = CircuitBreaker("redis", resources.breakers)
    history = FallbackHistory(RedisHistory(redis, resources.spans), breaker)
    return history, CachedThreats(RedisThreats(redis, resources.spans), breaker, resources.caches)
