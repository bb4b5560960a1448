"""Where the service writes what it was told, as bytes that can be searched.

A sink is a class with `name`, a constructor that says whether masking is on, `plant` for one item, and `arrived` for
everything that came through. To add one, write it and put it into `SINKS`.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Protocol
from urllib.parse import quote

from fastapi import FastAPI

from service.error_metrics import BaseAppException, MetricsConfig, SentryIntegration, sentry, setup_exception_handler
from service.error_metrics.sentry_limits import Limiter
from tests.asgi import request
from tests.sentry_server import SentryServer

from .items import Item
from .telemetry_sinks import LogSink, SpanSink

AT_ONCE = 10  # reports; the queues take more


class Sink(Protocol):
    """One place that the service writes to."""

    name: ClassVar[str]

    def __init__(self, masked: bool) -> None: ...

    def plant(self, item: Item) -> None:
        """Cause something to be written that contains the item."""

    def arrived(self) -> bytes:
        """Return everything that was written, and close the sink."""


class SentrySink:
    """What leaves for Sentry: errors of requests, spans and messages, as the server gets them."""

    name = "Sentry"

    def __init__(self, masked: bool) -> None:
        self._stack = ExitStack()
        self._server = self._stack.enter_context(SentryServer())
        config = MetricsConfig(
            sentry_enabled=True, sentry_dsn=self._server.dsn, sentry_traces_sample_rate=1, mask_pii=masked
        )
        self._app = FastAPI()
        setup_exception_handler(self._app, metrics_config=config)
        self._integration: SentryIntegration = self._app.state.sentry
        self._integration._limiter = Limiter(burst=1e9, total_burst=1e9)
        self._item: Item | None = None
        self._app.add_api_route("/plant/{place}", self._endpoint)

    async def _endpoint(self) -> None:
        if self._item is not None:
            _raise_with(self._item)

    def plant(self, item: Item) -> None:
        """Send a request that fails with the item in its place."""
        self._item = item
        query = f"?{item.value}" if item.place == "query" else ""
        headers = dict([item.value.split(": ", 1)]) if item.place == "header" else {}
        asyncio.run(request(self._app, f"/plant/{quote(item.place)}{query}", headers=headers))
        if self._integration.counts.waiting > AT_ONCE:
            self._flush()

    def arrived(self) -> bytes:
        """Everything that the server got."""
        self._flush()
        self._stack.close()
        sentry._default = None
        return self._server.raw

    def _flush(self) -> None:
        self._integration.flush(10)
        counts = self._integration.counts
        if counts.waiting or any(counts.dropped.values()):
            raise RuntimeError(f"{counts.waiting} reports wait, and these are lost: {counts.dropped}")


def _raise_with(item: Item) -> None:
    prepare = _PREPARATIONS.get(item.place)
    if prepare is not None:
        prepare(item)
    if item.place == "local":
        _fail_with(item.value)
    if item.place == "cause":
        try:
            raise KeyError(item.text)
        except KeyError as cause:
            raise ValueError("outer") from cause
    error = ValueError(item.text if item.place == "message" else "planted")
    if item.place == "note":
        error.add_note(item.text)
    raise error


def _fail_with(value: Any) -> None:
    mapping = value if isinstance(value, dict) else {}  # noqa: F841  # what is looked for
    raise ValueError("planted")


def _in_span(item: Item) -> None:
    with sentry.start_transaction(item.text) as span, span.start_child(op="test", name=item.text) as child:
        child.set_data("value", item.value)


def _capture(**facts: Any) -> None:
    sentry.capture_exception_with_facts(ValueError("planted"), **facts)


_PREPARATIONS: dict[str, Callable[[Item], None]] = {
    "breadcrumb": lambda item: sentry.add_breadcrumb(item.text),
    "breadcrumb_data": lambda item: sentry.add_breadcrumb("planted", data={"value": item.value}),
    "extra": lambda item: _capture(extra={"value": item.value}),
    "context": lambda item: _capture(contexts={"planted": {"value": item.value}}),
    "tag": lambda item: _capture(tags={"value": item.text}),
    "key": lambda item: _capture(extra={item.text: 1}),
    "user": lambda item: sentry.set_user_context(item.text),
    "log": lambda item: _capture(extra={"logentry": item.value}),
    "span": _in_span,
}


class DashboardSink:
    """What the dashboard's API answers, on every route, and what Prometheus gets."""

    name = "/api/metrics"

    def __init__(self, masked: bool, **settings: Any) -> None:
        self._app = FastAPI()
        config = MetricsConfig(mask_pii=masked, **settings)
        self._collector = setup_exception_handler(self._app, metrics_config=config)

    def plant(self, item: Item) -> None:
        """Record two errors: with the item as its message, and with its secret as what is known of the request."""
        known: Any = {"method": "GET", "path": "/" + item.secret, "request_id": item.secret, "trace_id": item.secret}
        for error in (BaseAppException(901, item.text), ValueError(item.text)):
            alone = isinstance(item.value, str) and item.kind in _ALONE and len(item.secret) < 100
            self._collector.record(error, known if alone else {"path": "/x"})

    def arrived(self) -> bytes:
        """The answers of all routes."""
        return asyncio.run(self._read())

    async def _read(self) -> bytes:
        answers = [(await request(self._app, path)).body for path in _ROUTES]
        rows = list(csv.reader(io.StringIO(answers[0].decode("utf-8-sig"))))  # as a reader of the file sees it
        return b"\n".join([*answers, repr(rows).encode()])


class StoreSink(DashboardSink):
    """What is written for other processes: the same lines in Redis and on disk."""

    name = "stores"

    def __init__(self, masked: bool) -> None:
        self._folder = TemporaryDirectory()
        super().__init__(masked, storage_path=Path(self._folder.name))

    def arrived(self) -> bytes:
        """The file as it is, and as a reader of its lines sees it."""
        if not self._collector.close(20):
            raise RuntimeError("the file could not be written")
        (file,) = Path(self._folder.name).iterdir()
        raw = file.read_bytes()
        self._folder.cleanup()
        values = [str(value) for line in raw.splitlines()[:-1] for value in json.loads(line).values()]
        return b"\n".join([raw, *(value.encode() for value in values)])


# A secret of these kinds is one without the text around it.
_ALONE = ("card", "email", "e-mail", "jwt", "aws key", "resident number", "ssn")
_ROUTES = (
    "/api/metrics/export?format=csv",
    "/api/metrics/export?format=json",
    "/api/metrics",
    "/api/metrics/summary",
    "/api/metrics/dashboard",
    "/api/metrics/recent?limit=1000",
    "/api/metrics/recent/60",
    "/api/metrics/by-code/901",
    "/api/metrics/by-domain/custom",
    "/api/metrics/top-errors?limit=10",
    "/metrics",
    "/dashboard",
)
SINKS: Sequence[type[Sink]] = (SentrySink, DashboardSink, StoreSink, LogSink, SpanSink)
