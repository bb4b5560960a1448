"""Counting errors: totals, windows and history. `record` is the hot path of the module."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from .classify import classify, message_of
from .config import MetricsConfig
from .errors import BaseAppException
from .events import MAX_MESSAGE, ErrorEvent, RawEvent, RequestContext, shorten
from .handover import Handover
from .masking import MAX_TEXT, Masker, encodable
from .prometheus import PrometheusExporter
from .series import SeriesTable
from .snapshot import Snapshot, summarise
from .stores import EventStore, MemoryStore, Own, shared_store
from .told import Told

Listener = Callable[[ErrorEvent], None]


class Reporter(Protocol):
    """Sends some of the errors elsewhere; see `SentryIntegration`."""

    def offer(self, exc: BaseException, code: int, status: int, context: RequestContext) -> None:
        """Take an error, or leave it, and return at once."""
        ...


_listeners: list[Listener] = []
SETTLING = 0.2  # seconds that a store's thread spends on what waits


class ErrorMetricsCollector:
    """Counts errors exactly, keeps the newest, exports them. Thread-safe; `record` never raises.

    Args:
        config: settings; a disabled one counts nothing.
        exporter: where Prometheus series live; by default a registry of its own.
        store: where events are kept; by default memory.
        clock: seconds since the epoch, for tests.

    Attributes:
        reporter: is offered every error, besides.
        noted: is told the code of every error, where and when it is recorded.
        context_at_hand: says what is known of the request in which an error is recorded without one.
        shared: the store that makes one picture of several processes, if the settings ask for one.

    Raises:
        ValueError: a store needs a package that is missing.
    """

    def __init__(
        self,
        config: MetricsConfig | None = None,
        exporter: PrometheusExporter | None = None,
        store: EventStore | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.config = config or MetricsConfig()
        if exporter is None and self.config.enabled and self.config.prometheus_enabled:
            exporter = PrometheusExporter(self.config)
        self.exporter = exporter
        self._clock = clock
        self._lock = threading.Lock()
        self._table = SeriesTable(exporter)
        self.store: EventStore = store or MemoryStore(
            self.config.max_history_size, self.config.retention_hours * 3600, clock
        )
        masker = Masker(self.config.pii_fields, self.config.pii_patterns)
        self._text: Callable[[str], str] = masker.text if self.config.mask_pii else encodable
        self._told = Told(self._text)
        self._handover: Handover[RawEvent] = Handover(
            self._keep, self.config.max_history_size, self.config.batch_send_size, lambda _: self.lose()
        )
        self._enabled = self.config.enabled
        self._put = self._handover.put if self.config.async_collection else self._keep_now
        self._lost = 0
        self.reporter: Reporter | None = None
        self.noted: Callable[[int], None] | None = None
        self.context_at_hand: Callable[[], RequestContext] = dict  # type: ignore[assignment]  # nothing is known
        history = self.store if isinstance(self.store, MemoryStore) else None
        own = Own(self._table, self._lock, history, lambda: self._lost, self._forget, lambda: self.flush(SETTLING))
        self.shared = shared_store(self.config, own)
        self._also_forget: list[Callable[[], None]] = []
        _alive.add(self)

    def record(self, exc: BaseException, request_context: RequestContext | None = None) -> None:
        """Count `exc` at once; keep it at once too, or in the background when `async_collection` is on.

        Args:
            exc: any exception; `BaseAppException` brings its own code, see `classify` for the others.
            request_context: what is known of the request.
        """
        self._record(exc, request_context, self._put)

    def record_async(self, exc: BaseException, request_context: RequestContext | None = None) -> None:
        """Count `exc` at once and keep it in the background, whatever `async_collection` says."""
        self._record(exc, request_context, self._handover.put)

    def _record(self, exc: BaseException, context: RequestContext | None, put: Callable[[RawEvent], None]) -> None:
        if not self._enabled:
            return
        try:
            if isinstance(exc, BaseAppException):  # the usual case, without a call
                code, status, name = exc.error_code, exc.status_code, type(exc).__name__
                message: str | None = exc.message
            else:
                code, status, name = classify(exc)
                message = None
            context = context or self.context_at_hand()
            now = self._clock()
            with self._lock:
                series = self._table.known.get((code, status)) or self._table.make(code, status)
                series.add(now)
            if series.counter is not None:
                series.counter.inc()
            if message is None:
                message = message_of(exc)
            if len(message) > MAX_TEXT:
                message = message[: MAX_TEXT + 1]  # one more, so that the masker sees that it was cut
            put((now, code, series.domain, name, message, status, context))
            if self.noted is not None or self.reporter is not None:
                self._tell(exc, code, status, context)
        except Exception:  # noqa: BLE001  # telemetry must not break the request that it watches
            self.lose()

    def _tell(self, exc: BaseException, code: int, status: int, context: RequestContext) -> None:
        if self.noted is not None:
            self.noted(code)
        if self.reporter is not None:
            self.reporter.offer(exc, code, status, context)

    def lose(self, events: int = 1) -> None:
        """Count events that could not be kept."""
        with self._lock:
            self._lost += events
        if self.exporter is not None:
            self.exporter.events_dropped.inc(events)

    def _keep_now(self, raw: RawEvent) -> None:
        self._keep([raw])

    def _keep(self, raw: list[RawEvent]) -> None:
        try:
            events = list(filter(None, map(self._masked, raw)))
            self.store.extend(events)
            if self.shared is not None:
                self.shared.start()
            for listener in tuple(_listeners):
                for event in events:
                    listener(event)
        except Exception:  # noqa: BLE001  # a broken store or listener loses events, counted, and nothing else
            self.lose(len(raw))

    def _masked(self, raw: RawEvent) -> ErrorEvent | None:
        now, code, domain, name, message, status, context = raw
        try:
            message = shorten(self._text(message), MAX_MESSAGE)
            method, path = self._told.method(context.get("method")), self._told.path(context.get("path"))
            ids = (self._told.identifier(context.get(key)) for key in ("request_id", "trace_id"))
            return ErrorEvent(now, code, domain, name, message, status, method, path, *ids)
        except Exception:  # noqa: BLE001  # what can't be masked is not kept, and takes nothing else with it
            self.lose()
            return None

    @property
    def dropped_events(self) -> int:
        """Events that were counted but not kept: a full queue, or a failure while recording."""
        return self._lost

    def snapshot(self) -> Snapshot:
        """Return all counts of one moment, with those of the other processes; it does not change afterwards."""
        now = self._clock()
        with self._lock:
            states = [series.state() for series in self._table]
            overflow = self._table.overflow
        rows = [state.at(now) for state in states]
        if self.shared is None:
            return summarise(rows, now, self.dropped_events, overflow)
        others = self.shared.view(now)
        lost, overflow = self.dropped_events + others.lost, overflow + others.overflow
        return summarise([*rows, *others.rows], now, lost, overflow, degraded=others.degraded)

    def events(self) -> list[ErrorEvent]:
        """Return the masked history, newest first, with all that was recorded here before the call."""
        self.flush()
        own = self.store.newest_first()
        return own if self.shared is None else self.shared.merge(own, self._clock())

    def flush(self, timeout: float = 5.0) -> bool:
        """Finish what waits in the background; False when `timeout` seconds were too short."""
        return self._handover.flush(timeout)

    def reset(self) -> None:
        """Forget totals, windows and history, here and in all processes of the picture, which follow within moments.

        Prometheus counters go on: they may only rise.
        """
        self.flush()
        self._forget()
        if self.shared is not None:
            self.shared.reset()

    def on_reset(self, forget: Callable[[], None]) -> None:
        """Call `forget` at each reset, also one that another process has asked for."""
        self._also_forget.append(forget)

    def _forget(self) -> None:
        with self._lock:
            self._table.clear()
        self.store.clear()
        for forget in self._also_forget:
            forget()

    def close(self, timeout: float = 2.0) -> bool:
        """Publish what a shared store lacks; False when `timeout` seconds were too short. Recording may go on."""
        done = self.flush(timeout)
        return done if self.shared is None else self.shared.sync(timeout) and done

    def now(self) -> float:
        """Return the collector's time, in seconds since the epoch."""
        return self._clock()

    @staticmethod
    def flush_all() -> None:
        """Finish what waits in the background of every collector of this process."""
        for collector in list(_alive):
            collector.flush()


_alive: weakref.WeakSet[ErrorMetricsCollector] = weakref.WeakSet()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` with every masked event that any collector keeps inside the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
