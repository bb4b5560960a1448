"""Logs and spans as places where secrets could come through."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode

from service.error_metrics.masking import Masker
from service.telemetry.logs import LogConfig, get_logger, setup_logging
from service.telemetry.logs.loggers import sink
from service.telemetry.tracing import get_tracer, setup_tracing

from .items import Item

AT_ONCE = 100


class LogSink:
    """Log lines as they are written: by structlog, by `logging`, with exceptions, in both formats."""

    name = "logs"

    def __init__(self, masked: bool) -> None:
        root = logging.getLogger()
        self._before = list(root.handlers), root.level
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # `arrived` closes it
        self._masker = Masker() if masked else None
        self._planted = 0
        self._set_up("json")

    def _set_up(self, kind: Any) -> None:
        config = LogConfig(format=kind, level="debug")
        self._logs = setup_logging(config, masker=self._masker, descriptor=self._file.fileno())

    def plant(self, item: Item) -> None:
        """Log it in every way."""
        log, library = get_logger("pii"), logging.getLogger("pii.library")
        log.info(item.text)
        log.info("planted", value=item.value, nested={"inner": [item.value]}, **_facts(item.value))
        log.info("planted", **{item.text: 1})
        library.warning("planted %s", item.value, extra={"planted": item.value})
        library.warning(item.text)
        if item.place == "log":
            library.warning(item.value[0], *item.value[1:])
        try:
            _fail(item)
        except ValueError:
            log.exception("planted")
            library.exception("planted")
        self._planted += 1
        if self._planted % AT_ONCE == 0:
            self._flush()
            self._set_up("console" if self._planted // AT_ONCE % 2 else "json")

    def arrived(self) -> bytes:
        """The file, and the process its own logging back."""
        self._flush()
        root = logging.getLogger()
        root.handlers[:], level = self._before
        root.setLevel(level)
        logging.captureWarnings(False)
        sink.reset()
        self._file.seek(0)
        with self._file:
            return self._file.read()

    def _flush(self) -> None:
        if not self._logs.close(20):
            raise RuntimeError("the lines could not be written")
        lost = self._logs._counts._dropped._early
        if lost:
            raise RuntimeError(f"lines were lost: {lost}")


class SpanSink:
    """Spans as they are sent: names, attributes, events, links, status."""

    name = "spans"

    def __init__(self, masked: bool) -> None:
        self._sent = _Sent()
        self._tracing = setup_tracing({}, exporter=self._sent, masker=Masker() if masked else None)

    def plant(self, item: Item) -> None:
        """Make two spans that tell it everywhere."""
        value = item.value if isinstance(item.value, str | bytes) else item.text
        with get_tracer().start_as_current_span(item.text) as first:
            first.set_attribute("planted", value)
            first.set_attribute(item.text[:100], 1)
            for name, fact in _facts(item.value).items():
                first.set_attribute(name, fact if isinstance(fact, str | int) else str(fact))
        second = get_tracer().start_span("planted")
        second.add_event("exception", {"exception.message": item.text, "exception.stacktrace": f"  File\n{item.text}"})
        second.add_link(first.get_span_context(), {"planted": [item.text]})
        second.set_status(Status(StatusCode.ERROR, item.text))
        second.end()
        if len(self._sent.raw) % AT_ONCE == 0:
            self._tracing.flush(10)

    def arrived(self) -> bytes:
        """What was sent, as it would have gone over the wire."""
        if not self._tracing.close(20) or self._tracing._losses._counter._early:
            raise RuntimeError(f"spans were lost: {self._tracing._losses._counter._early}")
        return b"\n".join(self._sent.raw)


class _Sent(SpanExporter):
    def __init__(self) -> None:
        self.raw: list[bytes] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.raw += [encode_spans([span]).SerializeToString() for span in spans]
        return SpanExportResult.SUCCESS


def _facts(value: Any) -> dict[str, Any]:
    """Return what can be the fields of a line."""
    return {str(key): fact for key, fact in value.items()} if isinstance(value, dict) else {}


def _fail(item: Item) -> None:
    try:
        raise KeyError(item.text)
    except KeyError as cause:
        raise ValueError(item.text) from cause
