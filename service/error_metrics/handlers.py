"""From exception to answer: one handler for every kind of error, each answered alike and recorded once."""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket

from . import jobs
from .answers import JSON, PROBLEM, Answer, allowed_headers, debugging, describe, least, own_body, problem_body, respond
from .classify import message_of
from .collector import ErrorMetricsCollector
from .config import ErrorHandlerConfig, MetricsConfig
from .errors import BaseAppException
from .events import RequestContext, new_request_id
from .measurement import REQUEST, UNMATCHED, MeasuredRequest, Measurement, Scope
from .negotiation import prefers
from .registry import ExceptionRegistry, default_registry
from .routes import RouteTemplates
from .setup import setup_metrics
from .translations import Translations

HANDLED: tuple[type[Exception], ...] = (
    *(BaseAppException, HTTPException, RequestValidationError, WebSocketRequestValidationError),
    Exception,
)
POLICY_VIOLATION = 1008  # closing code, RFC 6455, section 7.4.1


def setup_exception_handler(
    app: FastAPI,
    config: ErrorHandlerConfig | None = None,
    metrics_config: MetricsConfig | None = None,
    *,
    prometheus_registry: CollectorRegistry | None = None,
    catalogue: ExceptionRegistry = default_registry,
    serve_on: FastAPI | None = None,
) -> ErrorMetricsCollector:
    """Answer, count, keep, export and show the errors of `app`: the one call that integrates the module.

    Args:
        app: the application, before its first request.
        config: how errors are answered.
        metrics_config: what is collected; by default that of an earlier `setup_metrics`, else the defaults.
        prometheus_registry: where series are registered; by default a registry of the application's own.
        catalogue: known codes, for the titles of problems.
        serve_on: the application that gets the module's routes, for example one on a port of its own; by default
            `app`. Its own errors are answered and recorded alike.

    Returns:
        The collector, for errors outside requests.

    Raises:
        ValueError: the settings don't go together.
        RuntimeError: the application serves already, or has been set up before.
    """
    config = config or ErrorHandlerConfig()
    if getattr(app.state, "error_handler", None) is not None:
        raise RuntimeError("setup_exception_handler: this application has been set up before")
    collector: ErrorMetricsCollector | None = getattr(app.state, "error_metrics", None)
    if collector is None or metrics_config is not None:
        merged = config.merged_into(metrics_config or MetricsConfig())
        collector = setup_metrics(
            app, merged, prometheus_registry=prometheus_registry, catalogue=catalogue, serve_on=serve_on
        )
    elif config.merged_into(collector.config) != collector.config:
        raise ValueError("sentry_dsn, sentry_enabled: set them in the MetricsConfig that setup_metrics was given")
    handler = app.state.error_handler = _add_handler(app, config, collector, catalogue)
    if serve_on is not None:
        _add_handler(serve_on, config, collector, catalogue)
    measurement: Measurement | None = getattr(app.state, "request_measurement", None)
    if measurement is not None:
        measurement.socket_failed = handler.note
    return collector


def _add_handler(
    app: FastAPI, config: ErrorHandlerConfig, collector: ErrorMetricsCollector, catalogue: ExceptionRegistry
) -> ErrorHandler:
    handler = ErrorHandler(config, collector, RouteTemplates(app.routes), catalogue)
    for kind in HANDLED:
        app.add_exception_handler(kind, handler.handle)  # a method: callable objects take Starlette longer to inspect
    return handler


class ErrorHandler:
    """Answers and records one exception; Starlette calls it, and re-raises what it had not expected."""

    def __init__(
        self,
        config: ErrorHandlerConfig,
        collector: ErrorMetricsCollector,
        templates: RouteTemplates,
        catalogue: ExceptionRegistry,
    ) -> None:
        self._config = config
        self._collector = collector
        self._templates = templates
        self._catalogue = catalogue
        self._translations = Translations(config.default_locale, config.locale_dirs)
        self._histogram = collector.exporter.handling if collector.exporter is not None else None

    async def handle(self, connection: HTTPConnection, exc: Exception) -> Response:
        """Return the answer to an HTTP request; a WebSocket is closed instead."""
        exc = _original(exc)
        if isinstance(exc, HTTPException) and exc.status_code < 400:  # a redirect or 204 by exception: no error
            return Response(status_code=exc.status_code, headers=allowed_headers(exc.headers))
        started = perf_counter()
        context = self.context(connection.scope)
        request: MeasuredRequest | None = connection.scope.get(REQUEST)
        if request is not None:
            request.error = exc
        by_job = jobs.have_failed and request is not None and jobs.recorded_since(exc, request.began, self._collector)
        if not by_job:
            self._collector.record(exc, context)
        if isinstance(connection, WebSocket):
            with suppress(Exception):  # it may be closed already, or the client gone: the error is recorded once
                await connection.close(POLICY_VIOLATION, _reason(exc))
            return None  # type: ignore[return-value]  # Starlette sends nothing for a WebSocket
        try:
            response = self._answer(connection.scope, exc, context)
        except Exception:  # noqa: BLE001  # whatever an exception, its detail or a translation do, there is an answer
            response = respond(answer := least(exc), own_body(answer), JSON)
        if self._histogram is not None:
            self._histogram.observe(perf_counter() - started)
        return response

    def note(self, scope: Scope, exc: Exception) -> None:
        """Record an exception that nobody answers: that of a WebSocket."""
        self._collector.record(exc, self.context(scope))

    def context(self, scope: Scope) -> RequestContext:
        """Return what is known of a request."""
        state = scope.setdefault("state", {})
        request_id = state.get("request_id")
        if request_id is None:
            request_id = state["request_id"] = new_request_id()
        elif type(request_id) is not str:  # a middleware's own, often a UUID
            request_id = str(request_id)
        return {
            "method": scope.get("method"),
            "path": self._templates.of(scope) or UNMATCHED,
            "request_id": request_id,
            "trace_id": state.get("trace_id"),
        }

    def _answer(self, scope: Scope, exc: Exception, context: RequestContext) -> Response:
        answer = describe(exc)
        answer.request_id, answer.trace_id = context["request_id"], context["trace_id"]
        locale = self._translate(answer, _header(scope, b"accept-language"))
        if self._config.debug_mode and answer.status >= 500:
            answer.debug = debugging(exc, self._config.include_traceback)
        if prefers(_header(scope, b"accept"), PROBLEM, JSON):
            response = respond(answer, problem_body(answer, self._catalogue), PROBLEM)
        else:
            response = respond(answer, own_body(answer), JSON)
        if locale is not None:
            response.headers["content-language"] = locale
        return response

    def _translate(self, answer: Answer, accept_language: str) -> str | None:
        if not accept_language and self._translations.default_is_code:
            return None
        found = self._translations.find(accept_language, answer.code, answer.detail)
        if found is None:
            return None
        answer.message, locale = found
        return locale


def _original(exc: Exception) -> Exception:
    """Return what Starlette wraps when an exception comes after the answer has begun, and task groups in any case."""
    while isinstance(exc, ExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    cause = exc.__cause__
    wrapped = type(exc) is RuntimeError and isinstance(cause, BaseAppException | HTTPException)
    return cause if wrapped and isinstance(cause, Exception) and "response already started" in str(exc) else exc


def _reason(exc: Exception) -> str | None:
    """Return what did not validate, within the 123 bytes that a WebSocket has for a reason (RFC 6455, section 5.5)."""
    if not isinstance(exc, WebSocketRequestValidationError):
        return None
    return message_of(exc).encode("utf-8", "replace")[:123].decode("utf-8", "ignore")


def _header(scope: Scope, wanted: bytes) -> str:
    # Straight from the scope: Starlette's `headers` makes two objects and decodes what nobody asks for.
    return b",".join([value for name, value in scope["headers"] if name == wanted]).decode("latin-1")
