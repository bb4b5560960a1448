"""Quantiles from scrapes."""

from __future__ import annotations

from math import isnan

import pytest

from loadtest.throughput.histogram import quantile

NONE = {f'x_bucket{{le="{bound}"}}': 0.0 for bound in ("0.1", "0.2", "+Inf")}
TEN = dict(zip(NONE, (4.0, 8.0, 10.0), strict=True))


@pytest.mark.parametrize(("share", "expected"), [(0.2, 0.05), (0.4, 0.1), (0.6, 0.15), (0.95, 0.2)])
def test_a_quantile_is_interpolated_in_its_bucket(share: float, expected: float) -> None:
    """In the last bucket there is nothing to interpolate to."""
    assert quantile(share, "x", NONE, TEN) == pytest.approx(expected)


def test_what_was_there_before_does_not_count() -> None:
    """Only what came between the two scrapes."""
    assert isnan(quantile(0.5, "x", TEN, TEN))
