"""For tests of applications that use the module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .collector import ErrorMetricsCollector, listening
from .events import ErrorEvent


class CapturedErrors(list[ErrorEvent]):
    """The errors recorded in the block, the oldest first, as they were kept: masked."""

    @property
    def codes(self) -> list[int]:
        """The codes in order of recording."""
        return [event.error_code for event in self]


@contextmanager
def capture_errors() -> Iterator[CapturedErrors]:
    """Collect what any collector of this process records inside the block.

    Example:
        with capture_errors() as errors:
            client.get("/v1/products/999")
        assert errors.codes == [301]

    Recording in the background is finished when the block ends, so look at the result after it.
    """
    captured = CapturedErrors()
    ErrorMetricsCollector.flush_all()
    with listening(captured.append):
        try:
            yield captured
        finally:
            ErrorMetricsCollector.flush_all()
