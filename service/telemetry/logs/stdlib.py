"""The standard library's logging, warnings and uvicorn by the same way as everything else."""

from __future__ import annotations

import logging
import sys

from service.telemetry.ids import current_ids

from .copies import Copier, arguments_of, fields_of
from .lines import Line
from .pipeline import Pipeline

_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
_SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


class RecordHandler(logging.Handler):
    """Hands records to the pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self._pipeline = pipeline

    def createLock(self) -> None:  # noqa: N802  # the standard library's name
        """Do without: the pipeline takes lines from any thread."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Take one record, unless a filter says no; the base class's would use the lock, and from 3.13 on needs it."""
        wanted = self.filter(record)
        if wanted:
            self.emit(wanted if isinstance(wanted, logging.LogRecord) else record)
        return bool(wanted)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record."""
        self._pipeline.take(level_of(record.levelno), lambda level: _line(record, level))


def _line(record: logging.LogRecord, level: str) -> Line:
    extra = {name: value for name, value in record.__dict__.items() if name not in _OWN}
    if record.stack_info:
        extra["stack"] = record.stack_info
    return Line(
        record.created,
        level,
        str(record.name or "root"),  # a record made by hand may have none
        Copier().text(record.msg),
        fields_of(extra),
        arguments_of(record.args),
        record.exc_info[1] if record.exc_info else None,
        *current_ids(),
    )


def level_of(number: int) -> str:
    """Return the name of a level, rounded down to one that we have."""
    for bound, name in ((50, "critical"), (40, "error"), (30, "warning"), (20, "info")):
        if number >= bound:
            return name
    return "debug"


def take_over(pipeline: Pipeline, level: int) -> None:
    """Make `pipeline` the only way to stdout and stderr for the root logger and all that exist by now.

    Handlers that write elsewhere stay, except those of the root logger and uvicorn. What a library sets up later is
    its own.
    """
    root, handler = logging.getLogger(), RecordHandler(pipeline)
    handler.setLevel(level)  # a logger with a level of its own does not ask the root's
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in _SERVERS:
        logging.getLogger(name).handlers.clear()
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):  # and no mere place in the tree
            _send_to_root(logger)


def _send_to_root(logger: logging.Logger) -> None:
    before = list(logger.handlers)
    logger.handlers[:] = [handler for handler in before if not _shows(handler)]
    # One without any handler would write to stderr all the same; one with a NullHandler is silent on purpose.
    if len(logger.handlers) < len(before) or not before:
        logger.propagate = True


def _shows(handler: logging.Handler) -> bool:
    """Tell whether a handler writes to stdout or stderr, be it through a wrapper."""
    if not isinstance(handler, logging.StreamHandler):
        return False
    if handler.stream is sys.stdout or handler.stream is sys.stderr:
        return True
    try:
        return handler.stream.fileno() in (1, 2)
    except (AttributeError, OSError, ValueError):  # a delayed file, a text in memory
        return False
