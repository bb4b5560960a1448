"""Loggers: the interface of structlog's, and nothing that is logged can fail or wait.

structlog itself puts arguments into the event where it is logged, and raises what that raises; and a logger that was
bound before logging was set up keeps what was configured then. Loggers of ours look for both when a line comes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import structlog

from .config import LEVELS

Take = Callable[[str, dict[str, Any]], None]


class _Sink:
    """Where lines go, once logging is set up; before that, to the standard library."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Be as before logging was set up."""
        self.level = logging.NOTSET
        self.take: Take = _before_setup


def _before_setup(level: str, entry: dict[str, Any]) -> None:
    logging.getLogger(entry.pop("logger_name", "service")).log(LEVELS[level], "%s", entry.pop("event", ""))


sink = _Sink()


class Logger(structlog.BoundLoggerBase):
    """A logger with bound fields: `log.info("order placed", order=17)`, `log.info("order %d placed", 17)`."""

    def _say(self, level: str, given: tuple[Any, ...], fields: dict[str, Any]) -> None:
        if LEVELS[level] < sink.level:
            return
        if "event" in fields and given:
            fields["event_"] = fields.pop("event")
        event = given[0] if given else fields.pop("event", "")
        if len(given) > 1:
            event, fields = _formatted(event, given[1:], fields)
        self._proxy_to_logger(level, event, **fields)

    def debug(self, *event: Any, **fields: Any) -> None:
        """Log what only helps to find a fault."""
        self._say("debug", event, fields)

    def info(self, *event: Any, **fields: Any) -> None:
        """Log what happened."""
        self._say("info", event, fields)

    def warning(self, *event: Any, **fields: Any) -> None:
        """Log what somebody should look at some time."""
        self._say("warning", event, fields)

    def error(self, *event: Any, **fields: Any) -> None:
        """Log what went wrong."""
        self._say("error", event, fields)

    def critical(self, *event: Any, **fields: Any) -> None:
        """Log what keeps the service from working."""
        self._say("critical", event, fields)

    def exception(self, *event: Any, **fields: Any) -> None:
        """Log what went wrong, with the exception that is being handled."""
        self._say("error", event, {"exc_info": True, **fields})

    def log(self, level: int, *event: Any, **fields: Any) -> None:
        """Log with a level of the standard library's, rounded down to one that we have."""
        self._say(next((name for name in reversed(LEVELS) if level >= LEVELS[name]), "debug"), event, fields)

    def is_enabled_for(self, level: int) -> bool:
        """Tell whether a line of this level is made at all."""
        return level >= sink.level

    def get_effective_level(self) -> int:
        """Return the level from which lines are made."""
        return sink.level

    warn, err, fatal = warning, error, critical

    async def adebug(self, *event: Any, **fields: Any) -> None:
        """Log as `debug` does, which never waits."""
        self._say("debug", event, fields)

    async def ainfo(self, *event: Any, **fields: Any) -> None:
        """Log as `info` does."""
        self._say("info", event, fields)

    async def awarning(self, *event: Any, **fields: Any) -> None:
        """Log as `warning` does."""
        self._say("warning", event, fields)

    async def aerror(self, *event: Any, **fields: Any) -> None:
        """Log as `error` does."""
        self._say("error", event, fields)

    async def acritical(self, *event: Any, **fields: Any) -> None:
        """Log as `critical` does."""
        self._say("critical", event, fields)

    async def aexception(self, *event: Any, **fields: Any) -> None:
        """Log as `exception` does."""
        self._say("error", event, {"exc_info": True, **fields})


def _formatted(event: Any, arguments: tuple[Any, ...], fields: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    try:
        # As structlog and the standard library do: a single mapping is looked into by name.
        only = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], dict) and arguments[0] else arguments
        return event % only, fields
    except Exception:  # noqa: BLE001  # a mistake where it was logged, or an object that can't be shown
        return event, {"arguments": arguments, **fields}


def _hand_over(_logger: object, level: str, entry: Any) -> Any:
    """Do what the last processor of structlog does: what goes on from here is ours."""
    sink.take(level, dict(entry))
    raise structlog.DropEvent


structlog.configure(
    processors=[structlog.contextvars.merge_contextvars, _hand_over],
    wrapper_class=Logger,
    logger_factory=structlog.ReturnLoggerFactory(),
    cache_logger_on_first_use=True,
)


def get_logger(name: str = "service", **fields: Any) -> Logger:
    """Return a logger: `log.info("order placed", order=17)`, with `fields` on every line that it makes."""
    logger: Logger = structlog.get_logger(logger_name=name, **fields)
    return logger
