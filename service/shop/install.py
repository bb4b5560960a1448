"""The shop's only door."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from service.database_access import Database
from service.partners import Partners
from service.resources import Resources
from service.telemetry.circuit_breaker import CircuitBreaker

from .accounts import Sessions, Throttle
from .active_users import ActiveUsers
from .cache import make_cache
from .catalogue import Catalogue
from .checkout import Checkout, Issuer, Orders
from .domain.fraud import FraudCheck
from .expiry import Expiry
from .faults import Faults
from .metrics import ShopMetrics
from .record import count_in
from .routes import ROUTERS, faults
from .shop import Shop

LOCALES = Path(__file__).parent / "locales"


def install(
    app: FastAPI,
    resources: Resources,
    fraud: FraudCheck,
    *,
    fingerprint_key: str,
    partners: Partners,
    faults_enabled: bool,
) -> None:
    """Add the shop's routes to `app`.

    Args:
        app: the application, with a list of `watchers` that run with it.
        resources: the database; Redis, if there is one, for caches and counters.
        fraud: judges payments.
        fingerprint_key: makes fingerprints of card numbers; the same in all replicas.
        partners: those who ship and review.
        faults_enabled: whether the fault switches can be reached.
    """
    metrics = ShopMetrics(resources.registry) if resources.registry is not None else None
    count_in(metrics)
    database = Database(resources.engine)
    # One request asks several times, and each time it would wait: two are enough to know that Redis hangs.
    breaker = CircuitBreaker("redis-shop", resources.breakers, failures=2)
    switches, orders = Faults(faults_enabled), Orders(database)
    sessions = Sessions(database, make_cache(resources, breaker, "session"))
    active, throttle = ActiveUsers(resources.redis, breaker), Throttle(resources.redis, breaker)
    app.state.shop = Shop(
        database,
        sessions,
        throttle,
        Catalogue(database, make_cache(resources, breaker, "product")),
        Checkout(orders, fraud, Issuer(switches), throttle, fingerprint_key.encode()),
        active,
        switches,
        partners,
    )
    app.state.watchers += [active, Expiry(orders, sessions)]
    for router in ROUTERS:
        app.include_router(router)
    if faults_enabled:
        app.include_router(faults)
