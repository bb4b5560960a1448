"""Counts over the last hour, day and week."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from service.error_metrics.windows import HOUR, MINUTE, Ring, Tally

START = 1_700_006_400  # a full hour


def test_an_event_leaves_the_hour_when_its_minute_is_sixty_minutes_old() -> None:
    """Seconds before it still counts."""
    windows = Tally()
    windows.add(START + 59.9)
    assert windows.totals(START + 3599)["1h"] == 1
    assert windows.totals(START + 3600)["1h"] == 0
    assert windows.totals(START + 3600) == {"1h": 0, "24h": 1, "7d": 1}


def test_an_event_leaves_the_day_and_the_week_by_whole_hours() -> None:
    """24 hours and 168 hours after the beginning of its own."""
    windows = Tally()
    windows.add(START)
    assert windows.totals(START + 24 * HOUR - 1) == {"1h": 0, "24h": 1, "7d": 1}
    assert windows.totals(START + 24 * HOUR) == {"1h": 0, "24h": 0, "7d": 1}
    assert windows.totals(START + 168 * HOUR - 1)["7d"] == 1
    assert windows.totals(START + 168 * HOUR)["7d"] == 0


def test_a_bucket_is_empty_when_its_place_is_used_again() -> None:
    """The ring comes round after an hour."""
    windows = Tally()
    for _ in range(3):
        windows.add(START)
    windows.add(START + HOUR)
    assert windows.totals(START + HOUR)["1h"] == 1


def test_a_clock_that_steps_back_a_little_loses_nothing() -> None:
    """What was counted ahead of now shows in the bucket that runs."""
    windows = Tally()
    windows.add(START + 600)
    windows.add(START + 540)
    assert windows.totals(START + 540)["1h"] == 2
    assert windows.totals(START + 600)["1h"] == 2


def test_a_clock_that_jumps_ahead_and_back_harms_only_the_bucket_that_it_hit() -> None:
    """The other buckets keep their counts, and those of a time that never was do not stay for years."""
    ring = Ring(60, MINUTE)
    for minute in range(60):
        ring.counts[ring.place(START + minute * MINUTE)] += 1
    now = START + 59 * MINUTE
    ring.counts[ring.place(now + 10 * 365 * 24 * HOUR)] += 5
    assert ring.total(now) == 59
    ring.counts[ring.place(now)] += 1
    assert ring.series(now)[-1] >= 1


def test_a_clock_that_steps_back_does_not_change_when_an_error_was_last_seen() -> None:
    """It is the latest time of all."""
    windows = Tally()
    windows.add(START + 600)
    windows.add(START)
    assert windows.last_seen == START + 600


def test_a_cleared_tally_starts_anew() -> None:
    """Within the same minute, too."""
    windows = Tally()
    windows.add(START)
    windows.clear()
    assert windows.totals(START) == {"1h": 0, "24h": 0, "7d": 0}
    windows.add(START + 1)
    assert (windows.count, windows.first_seen, windows.totals(START + 1)["7d"]) == (1, START + 1, 1)


def test_reading_with_a_clock_far_behind_shows_nothing() -> None:
    """The ring holds another time."""
    windows = Tally()
    windows.add(START)
    assert windows.totals(START - 30 * 24 * HOUR) == {"1h": 0, "24h": 0, "7d": 0}


def test_the_series_has_the_oldest_bucket_first() -> None:
    """Its last value is the bucket that runs."""
    windows = Tally()
    windows.add(START)
    windows.add(START + 60)
    windows.add(START + 61)
    assert windows.minutes.series(START + 60)[-3:] == [0, 1, 2]
    assert len(windows.minutes.series(START)) == 60


@settings(max_examples=200)
@given(
    st.lists(st.floats(0, 9 * 24 * HOUR), max_size=60).map(sorted),
    st.floats(0, 2 * 24 * HOUR),
)
def test_windows_agree_with_a_list_of_all_events(times: list[float], later: float) -> None:
    """For events in order of time the rings give what counting every event gives."""
    windows = Tally()
    for moment in times:
        windows.add(START + moment)
    now = START + (times[-1] if times else 0) + later

    def count(width: int, buckets: int) -> int:
        return sum(int(now) // width - int(START + moment) // width < buckets for moment in times)

    assert windows.totals(now) == {"1h": count(MINUTE, 60), "24h": count(HOUR, 24), "7d": count(HOUR, 168)}


@given(st.lists(st.integers(-(2**31), 2**33), min_size=1, max_size=50))
def test_no_clock_breaks_the_ring(times: list[int]) -> None:
    """Whatever the clock does, counting works, and never counts more than there was."""
    windows = Tally()
    for moment in times:
        windows.add(moment)
    assert all(0 <= total <= len(times) for total in windows.totals(times[-1]).values())
    assert windows.totals(times[-1])["1h"] >= 1
