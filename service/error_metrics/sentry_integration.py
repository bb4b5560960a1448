"""Reporting errors: the decision in the caller's thread, everything that takes time in another one."""

from __future__ import annotations

import atexit
import logging
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import random
from typing import Any

from .classify import classify
from .config import MetricsConfig
from .events import RequestContext
from .handover import Handover
from .prometheus import PrometheusExporter
from .registry import UNHANDLED_CODE, ExceptionRegistry, default_registry
from .sentry_limits import Limiter, SentryCounts
from .sentry_report import Level, Report
from .sentry_spans import NO_SPAN, Span
from .sentry_trail import known_trail

QUEUE = 100  # reports with their exceptions, whose frames stay in memory until then
CLOSING_SECONDS = 2.0
logger = logging.getLogger(__name__)


class SentryIntegration:
    """Reports unhandled errors, those of status 500 and above, and those whose catalogue entry asks for it.

    Args:
        config: with `sentry_enabled` and a DSN.
        exporter: where what was sent and lost is counted, besides `counts`.
        catalogue: known codes.
        limiter: how many equal errors are reported; by default five at once, then one every ten seconds, and of all
            kinds fifty at once, then one a second.

    Raises:
        ValueError: Sentry is not enabled, or its SDK is not installed.
    """

    def __init__(
        self,
        config: MetricsConfig,
        exporter: PrometheusExporter | None = None,
        catalogue: ExceptionRegistry = default_registry,
        limiter: Limiter | None = None,
    ) -> None:
        if not config.sentry_enabled:
            raise ValueError("sentry_enabled: is false, set it to true for a SentryIntegration")
        try:
            from .sentry_client import SentryClient  # the SDK is an extra, and takes a while
        except ModuleNotFoundError:
            raise ValueError(
                "sentry_enabled: sentry-sdk is not installed, install the extra `sentry` or set it to false"
            ) from None
        self.counts = SentryCounts(exporter)
        self._catalogue = catalogue
        self._limiter = limiter or Limiter()
        self._rate = config.sentry_sample_rate
        self._traces_rate = config.sentry_traces_sample_rate
        self._handover: Handover[Any] = Handover(
            self._work, QUEUE, 1, lambda _: self.counts.drop("queue_full"), "error-metrics-sentry"
        )
        self._client = SentryClient(config, self.counts, self._handover.put)
        _alive.add(self)

    def offer(self, exc: BaseException, code: int, status: int, context: RequestContext) -> None:
        """Report an error that was recorded, if it is one to report. A few look-ups, no more."""
        if status < 500:
            entry = self._catalogue.get(code)
            if entry is None or not entry.send_to_sentry:
                return
        self._submit(Report(exc, code, time.time(), context, handled=code != UNHANDLED_CODE))

    def capture(self, exc: BaseException, **facts: Any) -> None:
        """Report an exception that nobody records; `facts` are those of a `Report`: tags, extra, contexts, ..."""
        self._submit(Report(exc, classify(exc)[0], time.time(), _context_at_hand(), **facts))

    def capture_message(self, message: str, level: Level, **facts: Any) -> None:
        """Report what is no exception."""
        self._submit(Report(None, None, time.time(), _context_at_hand(), message=message, level=level, **facts))

    def _submit(self, report: Report) -> None:
        if self._rate < 1 and random() >= self._rate:  # noqa: S311  # no secret
            self.counts.drop("sampled")
            return
        held_back = self._limiter.admit(report.key)
        if held_back is None:
            self.counts.drop("rate_limited")
            return
        report.held_back = held_back
        trail = known_trail()
        if trail is not None:
            report.user_id, report.scope = trail.user_id, trail.scope
            report.breadcrumbs = tuple(trail.breadcrumbs or ())
        self._client.transport.abandoned = False
        self.counts.accept()
        self._handover.put(report)

    def _work(self, items: list[Any]) -> None:
        for item in items:
            if self._client.transport.abandoned:
                continue
            if not isinstance(item, Report):
                self._client.send(item)
            elif not self._client.can_send():  # the server asked to wait, or is behind: why describe it then?
                self.counts.drop("backoff")
            else:
                self._describe(item)

    def _describe(self, report: Report) -> None:
        try:
            self._client.capture(report)
        except Exception:  # noqa: BLE001  # a `repr` or a trace that can't be read loses its report, and nothing else
            self.counts.drop("building")

    @contextmanager
    def transaction(self, name: str, op: str = "task") -> Iterator[Span]:
        """Time a block and send it, of `sentry_traces_sample_rate` of them, while nobody else owns the traces."""
        with ExitStack() as stack:
            span: Span = NO_SPAN
            if self._traces_rate and _opentelemetry_is_on():
                self.leave_traces_to("OpenTelemetry")
            if random() < self._traces_rate:  # noqa: S311  # no secret
                self.counts.accept()
                try:
                    span = stack.enter_context(self._client.transaction(name, op))
                except Exception:  # noqa: BLE001  # the block runs, measured or not
                    self.counts.drop("building")
            yield span

    def leave_traces_to(self, owner: str) -> None:
        """Send no transactions and profiles from now on, because `owner` has the traces; says so once in the log."""
        if self._traces_rate:
            self._traces_rate = 0.0
            logger.info("sentry_traces_sample_rate and sentry_profiles_sample_rate are ignored, traces go to %s", owner)

    def flush(self, timeout: float = CLOSING_SECONDS) -> bool:
        """Send what waits; False when `timeout` seconds were too short. Blocks: call it in a thread."""
        deadline = time.monotonic() + timeout
        for _ in range(2):  # reports first, then the envelopes that they have become
            self._handover.flush(max(0.0, deadline - time.monotonic()))
        self._client.flush(max(0.0, deadline - time.monotonic()))
        return self.counts.waiting <= 0

    def close(self, timeout: float = CLOSING_SECONDS) -> None:
        """Send what waits, and count as lost what could not be sent within `timeout` seconds."""
        if not self.flush(timeout):
            self._client.transport.abandoned = True
            lost = self.counts.waiting
            self.counts.drop("shutdown", lost)
            logger.warning("%d reports could not be sent to Sentry within %g s", lost, timeout)


def _context_at_hand() -> RequestContext:
    trail = known_trail()
    if trail is None or trail.scope is None:
        return {}
    state = trail.scope.get("state", {})
    return {"request_id": state.get("request_id"), "trace_id": state.get("trace_id")}


def _opentelemetry_is_on() -> bool:
    api = sys.modules.get("opentelemetry.trace")
    return api is not None and not isinstance(api.get_tracer_provider(), api.ProxyTracerProvider)


def _close_all() -> None:
    for integration in list(_alive):
        integration.close()


_alive: weakref.WeakSet[SentryIntegration] = weakref.WeakSet()
atexit.register(_close_all)
