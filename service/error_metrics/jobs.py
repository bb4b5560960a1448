"""Errors outside HTTP: workers, scheduled jobs, consumers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from .collector import ErrorMetricsCollector
from .sentry_trail import forget_job

F = TypeVar("F", bound=Callable[..., Any])
_default: ErrorMetricsCollector | None = None
_SEEN = "_error_metrics_recorded_by_job"
# The mark of the outermost job that runs here, and how deep we are in it; tasks that it starts have it too.
_running: ContextVar[tuple[object, int] | None] = ContextVar("error_metrics_running_job", default=None)


def set_default_collector(collector: ErrorMetricsCollector) -> None:
    """Make `observe_errors` record here when it is given no collector; the last application set up does this."""
    global _default  # jobs have no application to carry it
    _default = collector


def default_collector() -> ErrorMetricsCollector:
    """Return the collector of the last application set up, or one with default settings that is made now."""
    if _default is None:
        set_default_collector(ErrorMetricsCollector())
    return cast("ErrorMetricsCollector", _default)


class observe_errors:  # noqa: N801  # reads as a function: `with observe_errors("nightly"):`
    """Record what escapes a block or a function, and let it go on. Context manager and decorator, sync and async.

    Args:
        job: what runs; events show it as the path `job:<name>`.
        collector: where to record; by default that of the application in this process.
    """

    def __init__(self, job: str, collector: ErrorMetricsCollector | None = None) -> None:
        self.job = job
        self._collector = collector

    def __enter__(self) -> Self:
        mark, depth = _running.get() or (object(), 0)
        _running.set((mark, depth + 1))
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None) -> None:
        mark, depth = _running.get() or (object(), 1)
        _running.set((mark, depth - 1) if depth > 1 else None)
        if isinstance(exc, Exception) and getattr(exc, _SEEN, None) is not mark:  # not being told to stop
            with suppress(AttributeError):  # an exception may refuse attributes
                setattr(exc, _SEEN, mark)  # a job within a job is one error
            (self._collector or default_collector()).record(exc, {"path": f"job:{self.job}"})
        if depth == 1:
            forget_job()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, exc, trace)

    def __call__(self, function: F) -> F:
        """Return `function` with its errors recorded.

        Raises:
            TypeError: it is a generator function.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("observe_errors: a generator runs after its call, use `with` inside it")
        called = getattr(function, "__call__", None)  # noqa: B004  # an object whose call is a coroutine
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):

            @functools.wraps(function)
            async def observed_async(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return cast("F", observed_async)

        @functools.wraps(function)
        def observed(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return cast("F", observed)
