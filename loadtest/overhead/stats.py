"""Intervals and percentiles. Pure functions over lists of numbers, so that tests can try them on made-up data."""

import random
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

RESAMPLES = 2000
LEVEL = 0.95


class Interval(NamedTuple):
    """An estimate with the bounds of its confidence interval, in the unit of the data."""

    estimate: float
    low: float
    high: float

    @property
    def is_difference(self) -> bool:
        """Whether 0 lies outside: the data show a difference at the interval's level."""
        return self.low > 0 or self.high < 0


def paired_difference(base: Sequence[float], other: Sequence[float], *, seed: int = 0) -> Interval:
    """The median of `other - base` over paired blocks, with a 95 % interval.

    The interval is Efron's percentile bootstrap over the pairs: blocks measured next to each other share the state
    of the machine, so their difference has less noise than either. The median, because a block that was disturbed
    says nothing about the cost. Raises `ValueError` for lists of different length.
    """
    differences = [b - a for a, b in zip(base, other, strict=True)]
    return bootstrap(differences, median, seed=seed)


def difference_of_medians(base: Sequence[float], other: Sequence[float], *, seed: int = 0) -> Interval:
    """The difference of the medians of two samples whose values do not belong together in pairs.

    Both samples are resampled on their own (percentile bootstrap).
    """
    draw = random.Random(seed)  # noqa: S311 (resampling, nothing secret)
    differences = [
        median(draw.choices(other, k=len(other))) - median(draw.choices(base, k=len(base))) for _ in range(RESAMPLES)
    ]
    return _around(median(other) - median(base), differences)


def bootstrap(values: Sequence[float], statistic: Callable[[Sequence[float]], float], *, seed: int = 0) -> Interval:
    """`statistic` of the values with its percentile-bootstrap interval; the same seed gives the same interval."""
    draw = random.Random(seed)  # noqa: S311 (resampling, nothing secret)
    resampled = [statistic(draw.choices(values, k=len(values))) for _ in range(RESAMPLES)]
    return _around(statistic(values), resampled)


def _around(estimate: float, resampled: Sequence[float]) -> Interval:
    tail = (1 - LEVEL) / 2
    return Interval(estimate, percentile(resampled, tail), percentile(resampled, 1 - tail))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, interpolated between neighbours.

    Method 7 of Hyndman and Fan, the default of NumPy and R.
    """
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
