"""What logs and traces add to our metrics, and the other ways of tracing beside ours. Compare them with `ids`.

All send to a collector or to nowhere, as the environment says: `OTEL_EXPORTER_OTLP_ENDPOINT`, set by those who measure
times; instructions are counted without sending, because forked children share no connection.
"""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from fastapi import FastAPI

from loadtest.overhead import bench_app
from loadtest.overhead.variants import ours

FACTS: Mapping[str, str] = {"service": "bench", "version": "1", "environment": "production"}


def ids() -> FastAPI:
    """Ours with request ids, which logs and traces need."""
    app, _ = _measured()
    return app


def logs() -> FastAPI:
    """A line for each request at production's sampling, as JSON to where nobody reads."""
    import prometheus_client

    from service.telemetry.logs import LogConfig, setup_logging

    app, measurement = _measured()
    writing = setup_logging(LogConfig.of("production"), facts=FACTS, descriptor=os.open(os.devnull, os.O_WRONLY))
    measurement.add(writing.request_lines())
    app.state.settle = writing._writer._handover.flush  # noqa: SLF001  # here and now, without waiting for the thread
    writing.export(prometheus_client.REGISTRY)
    return app


def traces() -> FastAPI:
    """A span for each request by our observer, masked before it is sent."""
    from service.telemetry.tracing import ServerSpans, setup_tracing

    app, measurement = _measured()
    tracing = setup_tracing(FACTS, exporter=_exporter())
    spans: ServerSpans = tracing.server_spans()
    measurement.add(spans)
    app.state.settle = tracing.flush
    return app


def traces_fastapi() -> FastAPI:
    """FastAPI's own spans of requests, those of its operations off."""
    provider = _provider()
    app, _ = _measured(
        telemetry={"tracer_provider": provider, "metrics": False, "logs": False, "operation_spans": False}
    )
    app.state.settle = provider.force_flush
    return app


def traces_contrib() -> FastAPI:
    """opentelemetry-instrumentation-fastapi without its metrics and without spans for each ASGI message."""
    provider = _provider()
    no_metrics: Any = import_module("opentelemetry.metrics").NoOpMeterProvider()
    import_module("opentelemetry.instrumentation.fastapi").FastAPIInstrumentor().instrument(
        tracer_provider=provider, meter_provider=no_metrics, exclude_spans=["receive", "send"]
    )
    setattr(bench_app, "FastAPI", import_module("fastapi").FastAPI)  # noqa: B010  # the instrumented one
    app, _ = _measured()
    app.state.settle = provider.force_flush
    return app


def _measured(**options: Any) -> tuple[FastAPI, Any]:
    from service.error_metrics.requests import measure_requests
    from service.telemetry.request_id import RequestIds

    app = ours(**options)
    return app, measure_requests(app, RequestIds())


def _provider() -> Any:
    """The SDK as ours sets it up, without counting what it loses and without masking."""
    sdk: Any = import_module("opentelemetry.sdk.trace")
    batches: Any = import_module("opentelemetry.sdk.trace.export").BatchSpanProcessor(_exporter())
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(batches)
    return provider


def _exporter() -> Any:
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        return import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter()
    export: Any = import_module("opentelemetry.sdk.trace.export")

    class Nowhere(export.SpanExporter):  # type: ignore[misc]  # imported late, see `variants`
        def export(self, _spans: object) -> Any:
            return export.SpanExportResult.SUCCESS

    return Nowhere()


TELEMETRY: dict[str, Callable[[], FastAPI]] = {
    make.__name__: make for make in (ids, logs, traces, traces_fastapi, traces_contrib)
}
"""By name; the first is what the others are compared with."""
