"""States of single processes, added up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.error_metrics import ErrorMetricsCollector
from service.error_metrics.classify import classify
from service.error_metrics.series import Series
from service.error_metrics.states import OTHER, SeriesState, add_up

from .conftest import Clock

START = 1_700_000_000


def state_of(times: list[float], code: int = 310) -> SeriesState:
    """Return the state of a process that counted one code at these times."""
    series = Series(code, 404, "RESOURCE", None)
    for time in times:
        series.add(time)
    return series.state()


@given(st.lists(st.integers(0, 3 * 3600), min_size=1, max_size=60), st.data())
def test_it_makes_no_difference_who_counted(ages: list[int], data: st.DataObject) -> None:
    """The sum of several processes' states is the state of one that saw everything, in every window."""
    times = [float(START - age) for age in sorted(ages, reverse=True)]
    owners = data.draw(st.lists(st.integers(0, 3), min_size=len(times), max_size=len(times)))
    parts = [[time for time, owner in zip(times, owners, strict=True) if owner == each] for each in range(4)]
    (together,) = add_up(state_of(part) for part in parts if part)
    assert together.at(START) == state_of(times).at(START)


def test_different_statuses_and_codes_stay_apart() -> None:
    """As they are in Prometheus."""
    states = [state_of([START], code) for code in (310, 311, 310)]
    assert sorted((state.code, state.errors) for state in add_up(states)) == [(310, 2), (311, 1)]


def test_what_is_past_the_limit_goes_into_other() -> None:
    """Nothing is lost, and memory is bounded however many processes there are."""
    states = [state_of([START, START], code) for code in range(310, 320)]
    added = add_up(states, limit=4)
    assert sum(state.errors for state in added) == 20
    assert {state.code for state in added} == {310, 311, 312, 313, OTHER}


def test_buckets_do_not_pile_up() -> None:
    """A sum has as many minutes and hours as one process, the newest."""
    states = [state_of([START + 3600.0 * hour]) for hour in range(400)]
    (together,) = add_up(states)
    assert (len(together.minutes.numbers), len(together.hours.numbers)) == (60, 168)
    assert together.errors == 400


def test_a_snapshot_is_made_of_states(collector: ErrorMetricsCollector, clock: Clock) -> None:
    """What this process counted goes the same way as what others did."""
    collector.record(ValueError())
    code = classify(ValueError())[0]
    assert collector.snapshot().seen[code].windows == {"1h": 1, "24h": 1, "7d": 1}
    clock.now += 2 * 3600
    assert collector.snapshot().seen[code].windows == {"1h": 0, "24h": 1, "7d": 1}
