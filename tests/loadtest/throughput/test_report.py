"""The section about throughput."""

from __future__ import annotations

from loadtest.throughput.report import slope


def test_the_slope_is_that_of_the_second_half() -> None:
    """What fills at the start is no leak: twelve looks a minute, 1 MiB more at each of the later ones."""
    start, later = [2**20 * 100] * 60, [2**20 * (200 + number) for number in range(60)]
    assert round(slope(start + later)) == 720


def test_a_flat_memory_has_no_slope() -> None:
    """However much there is of it."""
    assert slope([2**30] * 20) == 0
