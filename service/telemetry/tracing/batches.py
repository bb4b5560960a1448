"""The SDK's batches by their standard variables, whose mistakes it would log with a traceback and then overlook."""

from __future__ import annotations

import os

from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

SIZE, BATCH = "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"


def make_batches(exporter: SpanExporter) -> BatchSpanProcessor:
    """Return a processor that sends batches as `OTEL_BSP_*` say; without them, as OpenTelemetry's specification does.

    Raises:
        ValueError: one of them is no number, too small, or contradicts another.
    """
    size, batch = _number(SIZE, 2048), _number(BATCH, 512)
    if batch > size:
        raise ValueError(f"{SIZE}: {size} is less than {BATCH}, {batch}; raise it or lower the other")
    return BatchSpanProcessor(
        exporter,
        max_queue_size=size,
        schedule_delay_millis=_number("OTEL_BSP_SCHEDULE_DELAY", 5000),
        max_export_batch_size=batch,
        export_timeout_millis=_number("OTEL_BSP_EXPORT_TIMEOUT", 30_000, least=0),  # 0 is no limit
    )


def _number(variable: str, default: int, least: int = 1) -> int:
    text = os.environ.get(variable) or str(default)
    if text.isdecimal() and int(text) >= least:
        return int(text)
    raise ValueError(f"{variable}: {text!r} is no whole number from {least} on, the default is {default}")
