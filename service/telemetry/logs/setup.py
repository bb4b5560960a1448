"""Setting up the logs of the process."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

from service.error_metrics.masking import Masker
from service.telemetry.ids import current_ids

from .config import LEVELS, LogConfig
from .copies import Copier, fields_of
from .counts import LogCounts
from .lines import Line
from .loggers import sink
from .pipeline import Pipeline
from .rendering import Renderer
from .requests import RequestLines
from .sampler import LogSampler
from .stdlib import take_over
from .writer import Writer

STDOUT = 1


class Logs:
    """The logs of the process, as they were set up."""

    def __init__(self, config: LogConfig, pipeline: Pipeline, counts: LogCounts, writer: Writer) -> None:
        self._config = config
        self._pipeline = pipeline
        self._counts = counts
        self._writer = writer

    def export(self, registry: CollectorRegistry) -> None:
        """Export `log_lines_total` and `log_lines_dropped_total`.

        Raises:
            ValueError: the registry holds series of these names already.
        """
        self._counts.register(registry)

    def request_lines(self) -> RequestLines:
        """Return the observer that logs requests and writes what they hold."""
        return RequestLines(self._pipeline, self._config.client_ip, self._config.level)

    def close(self, timeout: float = 2.0) -> bool:
        """Write what waits; False when `timeout` seconds were too short. Lines that come later are written too."""
        return self._writer.close(timeout)


def setup_logging(
    config: LogConfig | None = None,
    *,
    facts: Mapping[str, str] | None = None,
    masker: Masker | None = Masker(),  # noqa: B008  # it never changes
    descriptor: int = STDOUT,
) -> Logs:
    """Send all logs of the process, those of structlog, `logging`, `warnings` and uvicorn, to stdout.

    A thread renders and writes them; whoever logs never waits, and what can't be written is counted.

    Args:
        config: what is written; by default everything from INFO, as JSON.
        facts: on every line, such as `service`, `version` and `environment`.
        masker: hides personal data and secrets; None hides nothing.
        descriptor: where to write instead of stdout.
    """
    config = config or LogConfig()
    counts = LogCounts()
    render = Renderer(
        facts or {},
        masker,
        console=config.format == "console",
        colours=os.isatty(descriptor),
        tracebacks=config.tracebacks,
    )
    writer = Writer(render, counts, descriptor)
    pipeline = Pipeline(LogSampler(config), counts, writer.write)
    level = LEVELS[config.level]
    sink.take, sink.level = partial(_take, pipeline), level
    take_over(pipeline, level)
    atexit.register(writer.close)
    return Logs(config, pipeline, counts, writer)


def _take(pipeline: Pipeline, level: str, entry: dict[str, Any]) -> None:
    pipeline.take(level, lambda level: _line(entry, level))


def _line(entry: dict[str, Any], level: str) -> Line:
    event, logger = Copier().text(entry.pop("event", "")), str(entry.pop("logger_name", "service"))
    exc = _exception(entry.pop("exc_info", None))
    return Line(time.time(), level, logger, event, fields_of(entry), (), exc, *current_ids())


def _exception(given: Any) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple) and len(given) == 3:
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None
