"""What the module offers to tests of applications."""

from __future__ import annotations

from contextlib import suppress

from fastapi import FastAPI

from service.error_metrics import BaseAppException, ErrorMetricsCollector, MetricsConfig, setup_exception_handler
from service.error_metrics.testing import capture_errors
from tests.asgi import request


async def test_errors_of_a_block_are_captured_in_order() -> None:
    """Also with background recording, and only those of the block."""
    app = FastAPI()
    collector = setup_exception_handler(app)
    collector.record(BaseAppException(901, "before"))
    collector.flush()
    with capture_errors() as errors:
        await request(app, "/none")
        collector.record(BaseAppException(902, "mail to a@b.example"))
    collector.record(BaseAppException(903, "after"))
    collector.flush()
    assert errors.codes == [399, 902]
    assert errors[1].message == "mail to ***"


def test_errors_of_every_collector_are_captured() -> None:
    """A test need not know which one the application uses."""
    with capture_errors() as errors:
        for _ in range(2):
            ErrorMetricsCollector(MetricsConfig.testing()).record(BaseAppException(901, "x"))
    assert errors.codes == [901, 901]


def test_errors_of_before_and_of_a_failing_block_are_told_apart() -> None:
    """What waits when the block begins is not in it; what waits when the block fails is."""
    collector = ErrorMetricsCollector(MetricsConfig())
    collector.record(BaseAppException(901, "before"))
    with suppress(ZeroDivisionError), capture_errors() as errors:
        collector.record(BaseAppException(902, "inside"))
        raise ZeroDivisionError
    assert errors.codes == [902]
