"""What the process that is counted must hold still."""

import random

from loadtest.overhead import instructions
from loadtest.overhead.traffic import SEED, rounds
from service.error_metrics.events import new_request_id
from service.telemetry.keeping import fraction
from service.telemetry.logs import LogConfig


def test_the_seed_keeps_as_many_log_lines_as_the_rate_says() -> None:
    """Both halves of the count: what is subtracted must be a tenth of the requests, as what it is subtracted from."""
    requests = rounds("healthy", instructions.REQUESTS)
    rate = LogConfig.of("production").sample_info
    random.seed(SEED)
    kept = [fraction(new_request_id()) < rate for _ in range(2 * requests)]
    assert sum(kept[:requests]) == sum(kept[requests:]) == round(rate * requests)
