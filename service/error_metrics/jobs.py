"""Errors outside HTTP: workers, scheduled jobs, consumers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from time import perf_counter
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar, cast

from .collector import ErrorMetricsCollector
from .sentry_trail import forget_job

F = TypeVar("F", bound=Callable[..., Any])


class _Seen(NamedTuple):
    """What an exception carries that a job has recorded: the job's mark, the moment, and where it was recorded."""

    mark: object
    moment: float
    collector: ErrorMetricsCollector | None


_NOT_SEEN = _Seen(None, 0.0, None)
_default: ErrorMetricsCollector | None = None
have_failed = False  # in this process: until then, nobody need look whether a job has recorded an error
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


def _seen(exc: BaseException) -> _Seen:
    try:
        found = getattr(exc, _SEEN, _NOT_SEEN)
    except Exception:  # noqa: BLE001  # an exception of somebody's own may make up or refuse attributes
        return _NOT_SEEN
    return found if type(found) is _Seen else _NOT_SEEN


def recorded_since(exc: BaseException, moment: float, collector: ErrorMetricsCollector) -> bool:
    """Tell whether a job has recorded an exception with a collector since a moment, in seconds of `perf_counter`.

    Only once, because an exception object may be raised again, and then is another error.
    """
    seen = _seen(exc)
    if seen.collector is not collector or seen.moment < moment:
        return False
    setattr(exc, _SEEN, seen._replace(collector=None))
    return True


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
        if isinstance(exc, Exception) and _seen(exc).mark is not mark:  # not being told to stop
            global have_failed
            have_failed = True
            collector = self._collector or default_collector()
            with suppress(AttributeError):  # an exception may refuse attributes
                setattr(exc, _SEEN, _Seen(mark, perf_counter(), collector))  # a job within a job is one error
            collector.record(exc, {"path": f"job:{self.job}"})
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
