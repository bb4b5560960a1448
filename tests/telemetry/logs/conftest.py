"""The logs of this process, sent to a file."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import jsonschema_rs
import pytest
from prometheus_client import CollectorRegistry

from service.error_metrics.masking import Masker
from service.telemetry.logs import LogConfig, Logs, setup_logging
from service.telemetry.logs.loggers import sink

MASKER = Masker()
FACTS = {"service": "till", "version": "2.0", "environment": "staging"}


class Logged:
    """Logs that are set up, and what they wrote."""

    def __init__(self, logs: Logs, file: Path) -> None:
        self.logs = logs
        self.registry = CollectorRegistry()
        logs.export(self.registry)
        self._file = file

    def text(self) -> str:
        """Everything written."""
        assert self.logs.close(5)
        return self._file.read_text(encoding="utf-8")

    def lines(self, logger: str | None = None) -> list[dict[str, Any]]:
        """The lines written, of one logger only if asked."""
        found = [json.loads(line) for line in self.text().splitlines()]
        return [line for line in found if logger in (None, line["logger"])]

    def events(self) -> list[str]:
        """What the lines say."""
        return [line["event"] for line in self.lines()]

    def dropped(self, level: str, reason: str) -> float:
        """How many lines were counted as not written."""
        labels = {"level": level, "reason": reason}
        return self.registry.get_sample_value("log_lines_dropped_total", labels) or 0

    def written(self, level: str) -> float:
        """How many lines were counted as written."""
        return self.registry.get_sample_value("log_lines_total", {"level": level}) or 0


class LogTo(Protocol):
    """Sets the logs up."""

    def __call__(self, masker: Masker | None = MASKER, **config: Any) -> Logged:
        """Log with these settings."""
        ...


@pytest.fixture
def schema(repository: Path) -> jsonschema_rs.Validator:
    """What every line has to fit."""
    return jsonschema_rs.validator_for(json.loads((repository / "docs" / "log-line.schema.json").read_text()))


@pytest.fixture
def untouched() -> Iterator[None]:
    """Give the process its own logging back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    sink.reset()


@pytest.fixture
def log_to(tmp_path: Path, untouched: None) -> Iterator[LogTo]:
    """Set the logs up, into a file."""
    descriptors = []

    def set_up(masker: Masker | None = MASKER, **config: Any) -> Logged:
        file = tmp_path / "log"
        descriptors.append(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND))
        logs = setup_logging(LogConfig(**config), facts=FACTS, masker=masker, descriptor=descriptors[-1])
        return Logged(logs, file)

    yield set_up
    for descriptor in descriptors:
        os.close(descriptor)
