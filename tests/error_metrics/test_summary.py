"""Figures of all requests."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.error_metrics.summary import RECENT, RequestSummary, percentile


def told(*requests: tuple[float, int]) -> RequestSummary:
    """Return a summary of requests with these times and statuses."""
    summary = RequestSummary()
    for duration, status in requests:
        summary.finished(SimpleNamespace(duration=duration, status=status))  # type: ignore[arg-type]
    return summary


def test_counts_and_extremes_are_of_all_requests() -> None:
    """Answers from 400 on are errors."""
    figures = told((0.1, 200), (0.3, 404), (0.2, 500), (0.4, 399)).figures()
    assert (figures.total_calls, figures.total_errors, figures.error_rate) == (4, 2, 50.0)
    assert figures.mean == pytest.approx(0.25)
    assert (figures.minimum, figures.maximum) == (0.1, 0.4)


def test_percentiles_are_of_the_newest_requests() -> None:
    """So that they tell of now, in bounded memory."""
    summary = told(*((9.0, 200),) * 10, *((1.0, 200),) * RECENT)
    figures = summary.figures()
    assert (figures.p50, figures.p99, figures.maximum) == (1.0, 1.0, 9.0)
    assert figures.total_calls == RECENT + 10


@given(st.lists(st.floats(0, 100), min_size=1).map(sorted), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_the_smallest_value_that_enough_values_do_not_exceed(times: list[float], share: float) -> None:
    """Nearest rank."""
    value = percentile(times, share)
    assert value in times
    assert sum(time <= value for time in times) >= share * len(times)
    assert sum(time < value for time in times) < share * len(times)
