"""What lines tell of an exception besides its traceback."""

from __future__ import annotations

import traceback
from pathlib import PurePath

from service.error_metrics.classify import message_of

from .lines import ExceptionSummary


def summary_of(exc: BaseException | ExceptionSummary) -> ExceptionSummary:
    """Return type, text and place of an exception."""
    if isinstance(exc, ExceptionSummary):
        return exc
    return ExceptionSummary(type(exc).__name__, message_of(exc), _place(exc))


def _place(exc: BaseException) -> str | None:
    """Return file, line and function in which an exception was raised."""
    frames = traceback.extract_tb(exc.__traceback__, limit=-1)
    if not frames:
        return None
    frame = frames[0]
    return f"{'/'.join(PurePath(frame.filename).parts[-3:])}:{frame.lineno} in {frame.name}"
