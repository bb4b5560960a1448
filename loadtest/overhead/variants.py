"""One function per way of measuring the same application; each runs in a process of its own.

Each function imports what it measures with: OpenTelemetry and the Prometheus default registry are global, and a
variant must not pay for another one's imports. All expose the same facts where they can: requests by method, route
template and exact status code, a latency histogram with our buckets by method and route template, request and
response bytes without labels, requests in progress. Where a peer has a choice it gets the cheaper one.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from fastapi import FastAPI

from loadtest.overhead import sentry_servers
from loadtest.overhead.bench_app import build_app

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds in seconds, those of our `http_request_duration_seconds`; `ours` checks that they still are."""


def bare() -> FastAPI:
    """The application as it is."""
    return build_app()


def bare_again() -> FastAPI:
    """The same with other modules in memory: A/A shows what it does to a number that objects lie elsewhere."""
    for unrelated in ("http.server", "sqlite3", "prometheus_client", "xml.etree.ElementTree"):
        import_module(unrelated)
    return build_app()


def disabled() -> FastAPI:
    """Our module set up with `MetricsConfig(enabled=False)`: it must add nothing to a healthy request."""
    from service.error_metrics import MetricsConfig

    return _with_module(MetricsConfig(enabled=False))


def errors(**options: Any) -> FastAPI:
    """Our error metrics alone."""
    from service.error_metrics import MetricsConfig

    return _with_module(MetricsConfig(), **options)


def ours(**options: Any) -> FastAPI:
    """Our error metrics and HTTP metrics together; `options` go to `FastAPI(...)`."""
    from prometheus_client import REGISTRY

    from service.error_metrics.requests import measure_requests
    from service.telemetry import HTTPMetrics, http_metrics

    if http_metrics.BUCKETS != BUCKETS:
        raise RuntimeError("the peers' buckets are no longer ours: copy them to loadtest/overhead/variants.py")
    app = errors(**options)
    measure_requests(app, HTTPMetrics(registry=REGISTRY))
    return app


def sentry_off() -> FastAPI:
    """Our error metrics with Sentry's SDK in memory and nothing reported: what the next ones are compared with."""
    import_module("service.error_metrics.sentry_client")
    return errors()


def sentry() -> FastAPI:
    """Our error metrics, and every error is one that Sentry is told of."""
    return _with_sentry(sentry_servers.answering())


def sentry_unlimited() -> FastAPI:
    """The same without limits: every error is handed over, or finds the queue full."""
    from service.error_metrics.sentry_limits import Limiter

    app = sentry()
    app.state.sentry._limiter = Limiter(burst=1e9, total_burst=1e9)  # noqa: SLF001  # nobody else wants this
    return app


def sentry_down() -> FastAPI:
    """Nobody listens there."""
    return _with_sentry(sentry_servers.down())


def sentry_hangs() -> FastAPI:
    """It takes the connection and never answers."""
    return _with_sentry(sentry_servers.hanging())


def sentry_429() -> FastAPI:
    """It asks to wait for a minute."""
    return _with_sentry(sentry_servers.answering(429))


def _with_sentry(address: str) -> FastAPI:
    from service.error_metrics import MetricsConfig

    return _with_module(MetricsConfig(sentry_enabled=True, sentry_dsn=f"http://key@{address}/1"))


def _with_module(config: Any, **options: Any) -> FastAPI:
    """Set the module up right after `FastAPI()`, as documented: what it adds to routing counts against it."""
    from loadtest.overhead.catalogue import failure
    from service.error_metrics import ErrorHandlerConfig, setup_exception_handler

    return build_app(failure, lambda app: setup_exception_handler(app, ErrorHandlerConfig(), config), **options)


def instrumentator() -> FastAPI:
    """prometheus-fastapi-instrumentator with the same metrics on."""
    peer: Any = import_module("prometheus_fastapi_instrumentator")
    metrics: Any = peer.metrics
    app = build_app()
    no_labels = {f"should_include_{label}": False for label in ("handler", "method", "status")}
    peer.Instrumentator(should_group_status_codes=False, should_instrument_requests_inprogress=True).add(
        metrics.requests(),
        metrics.latency(buckets=BUCKETS, should_include_status=False),
        metrics.request_size(**no_labels),
        metrics.response_size(**no_labels),
    ).instrument(app).expose(app)
    return app


def starlette_exporter() -> FastAPI:
    """starlette_exporter with route templates and both sizes."""
    peer: Any = import_module("starlette_exporter")
    optional: Any = import_module("starlette_exporter.optional_metrics")
    app = build_app()
    app.add_middleware(
        peer.PrometheusMiddleware,
        group_paths=True,
        buckets=BUCKETS,
        optional_metrics=[optional.request_body_size, optional.response_body_size],
    )
    app.add_route("/metrics", peer.handle_metrics)
    return app


def tutorial() -> FastAPI:
    """What tutorials teach: a `BaseHTTPMiddleware` that looks its label children up at each call."""
    from loadtest.overhead.tutorial import TutorialMiddleware

    app = build_app()
    app.add_middleware(TutorialMiddleware)
    return app


def fastapi_telemetry() -> FastAPI:
    """FastAPI's own OpenTelemetry metrics, read by the Prometheus exporter; its traces and logs are off."""
    reader: Any = import_module("opentelemetry.exporter.prometheus").PrometheusMetricReader()
    sdk: Any = import_module("opentelemetry.sdk.metrics")
    provider = sdk.MeterProvider(metric_readers=[reader])
    return build_app(telemetry={"meter_provider": provider, "tracing": False, "logs": False})


def settle(app: FastAPI) -> None:
    """Do in the foreground what the variant has put off for the background; its cost belongs to the requests."""
    collector = getattr(app.state, "error_metrics", None)
    if collector is not None:
        collector.flush()
    getattr(app.state, "settle", lambda: None)()


VARIANTS: dict[str, Callable[[], FastAPI]] = {
    make.__name__: make
    for make in (
        bare,
        bare_again,
        disabled,
        errors,
        ours,
        instrumentator,
        starlette_exporter,
        tutorial,
        fastapi_telemetry,
    )
}
"""All variants by name; the first is what the others are compared with."""

SENTRY: dict[str, Callable[[], FastAPI]] = {
    make.__name__: make for make in (sentry_off, sentry, sentry_unlimited, sentry_down, sentry_hangs, sentry_429)
}
"""Variants of `errors` that report to Sentry, measured apart; the first is what the others are compared with."""


def build(name: str) -> FastAPI:
    """Make a variant by its name, here or in `telemetry_variants`."""
    near = {**VARIANTS, **SENTRY}
    found: dict[str, Callable[[], FastAPI]] = (
        near if name in near else import_module("loadtest.overhead.telemetry_variants").TELEMETRY
    )
    return found[name]()
