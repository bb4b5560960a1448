"""Reporting to Sentry: what the code between may say.

    app.state.sentry                 the integration of an application, None where Sentry is off
    capture_exception(exc, **extra)  and the others: they use the integration made last, and do nothing without

The SDK is imported when the first integration is made, never before. A helper never raises: a value that can't be
taken loses its report, which is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

from .config import MetricsConfig
from .masking import cut
from .prometheus import PrometheusExporter
from .registry import ExceptionRegistry, default_registry
from .sentry_integration import SentryIntegration
from .sentry_report import Level
from .sentry_spans import NO_SPAN, Span
from .sentry_trail import MAX_WORDS, own_trail

P = ParamSpec("P")
_default: SentryIntegration | None = None


def init_sentry(
    config: MetricsConfig | None = None,
    exporter: PrometheusExporter | None = None,
    catalogue: ExceptionRegistry = default_registry,
) -> SentryIntegration | None:
    """Make the integration that the helpers below use, and return it; None when the settings leave Sentry off.

    `setup_metrics` does this for an application; a worker without one calls it itself.

    Args:
        config: settings; by default those of the environment.
        exporter: where what was sent and lost is counted.
        catalogue: known codes.

    Raises:
        ValueError: a setting is wrong, or the SDK is not installed.
    """
    global _default  # the helpers are called where there is no application
    config = config or MetricsConfig.from_environment()
    wanted = config.enabled and config.sentry_enabled
    _default = SentryIntegration(config, exporter, catalogue) if wanted else None
    return _default


def _never_raising(helper: Callable[P, None]) -> Callable[P, None]:
    @wraps(helper)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            helper(*args, **kwargs)
        except Exception:  # noqa: BLE001  # an odd value must not break the request that it is told about
            if _default is not None:
                _default.counts.accept()
                _default.counts.drop("building")

    return guarded


@_never_raising
def capture_exception(exc: BaseException, **extra: Any) -> None:
    """Report an exception that was dealt with, with further values."""
    if _default is not None:
        _default.capture(exc, extra=extra)


@_never_raising
def capture_exception_with_context(exc: BaseException, **context: Any) -> None:
    """Report an exception with named blocks of facts: `order={"id": 17, "total": 4800}`."""
    if _default is not None:
        _default.capture(exc, contexts=context)


@_never_raising
def capture_exception_with_facts(exc: BaseException, **facts: Any) -> None:
    """Report an exception; `facts` are `tags`, `extra`, `contexts` and `fingerprint`."""
    if _default is not None:
        _default.capture(exc, **facts)


@_never_raising
def capture_message(message: str, level: Level = "info", **facts: Any) -> None:
    """Report what is no exception; `facts` are `tags`, `extra`, `contexts` and `fingerprint`."""
    if _default is not None:
        _default.capture_message(message, level, **facts)


@_never_raising
def set_user_context(user_id: str | int | None) -> None:
    """Tell whose request or job this is, by an id that means nothing to others; no name, no address."""
    if _default is not None:
        own_trail().user_id = None if user_id is None else cut(str(user_id), MAX_WORDS)


@_never_raising
def add_breadcrumb(
    message: str, category: str = "default", level: Level = "info", data: Mapping[str, Any] | None = None
) -> None:
    """Note what happened, to be sent with the next error of this request or job; the newest fifty are kept."""
    if _default is not None:
        own_trail().add(message, category, level, data or {})


@contextmanager
def start_transaction(name: str, op: str = "task") -> Iterator[Span]:
    """Time a block; spans inside it come from `start_child`. Without Sentry, or with OpenTelemetry, it does nothing."""
    if _default is None:
        yield NO_SPAN
    else:
        with _default.transaction(name, op) as span:
            yield span
