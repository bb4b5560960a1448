"""The intervals of the benchmark, tried on made-up data whose answer is known."""

import random
from statistics import median

import pytest

from loadtest.overhead.stats import Interval, bootstrap, difference_of_medians, paired_difference, percentile

BLOCKS = 40


def blocks(seed: int, difference: float = 0.0) -> tuple[list[float], list[float]]:
    """Paired blocks around 100 µs with a common drift, some noise and a few disturbed blocks."""
    draw = random.Random(seed)
    base, other = [], []
    for number in range(BLOCKS):
        drift = number * 0.5
        disturbed = 50.0 if draw.random() < 0.05 else 0.0
        base.append(100 + drift + draw.gauss(0, 2))
        other.append(100 + drift + draw.gauss(0, 2) + difference + disturbed)
    return base, other


def test_a_known_difference_lies_inside_its_interval() -> None:
    """In 100 experiments nearly every 95 % interval holds the true 10 µs, and none misses it by much."""
    found = [paired_difference(*blocks(seed, difference=10.0)) for seed in range(100)]
    assert sum(one.low <= 10.0 <= one.high for one in found) >= 88
    assert all(7.0 < one.estimate < 13.0 for one in found)  # five standard errors of the median


def test_equal_data_are_seldom_called_different() -> None:
    """The same experiment without a difference cries wolf about one time in twenty, not more."""
    found = [paired_difference(*blocks(seed)) for seed in range(100)]
    assert sum(one.is_difference for one in found) <= 12


def test_a_difference_is_found_when_it_is_larger_than_the_noise() -> None:
    """5 µs among 2 µs of noise is called a difference in every experiment."""
    assert all(paired_difference(*blocks(seed, difference=5.0)).is_difference for seed in range(20))


def test_drift_common_to_both_does_not_widen_the_interval() -> None:
    """Pairs take the drift of 20 µs out: the interval is far narrower than that."""
    found = paired_difference(*blocks(1, difference=10.0))
    assert found.high - found.low < 5.0


def test_pairs_of_different_length_are_refused() -> None:
    """A missing block is an error, not a silently shorter list."""
    with pytest.raises(ValueError, match="shorter"):
        paired_difference([1.0, 2.0], [1.0])


def test_the_same_data_give_the_same_interval() -> None:
    """The resampling is seeded, so that a report can be rebuilt without changing a digit."""
    assert paired_difference(*blocks(3)) == paired_difference(*blocks(3))


def test_unpaired_medians_find_their_difference() -> None:
    """Two samples of different length, 1,000 apart."""
    draw = random.Random(7)
    base = [draw.gauss(960_000, 300) for _ in range(12)]
    other = [draw.gauss(961_000, 300) for _ in range(10)]
    found = difference_of_medians(base, other)
    assert found.low < 1_000 < found.high
    assert found.is_difference


def test_the_bootstrap_of_constant_data_is_a_point() -> None:
    """Deterministic counts have an interval of no width."""
    assert bootstrap([5.0] * 12, median) == Interval(5.0, 5.0, 5.0)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 3.0), (0.99, 4.96), (1.0, 5.0)])
def test_percentiles_are_interpolated(share: float, expected: float) -> None:
    """As NumPy's default does."""
    assert percentile([5.0, 1.0, 4.0, 2.0, 3.0], share) == pytest.approx(expected)
