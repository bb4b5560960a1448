"""Quantiles of a histogram between two scrapes, as PromQL's `histogram_quantile` estimates them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import inf, nan


def quantile(share: float, name: str, before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Return what this share did not exceed, interpolated inside its bucket; nan when nothing was observed.

    Args:
        share: 0 to 1.
        name: of a histogram without labels.
        before: samples of the earlier scrape.
        after: samples of the later one.
    """
    start = f'{name}_bucket{{le="'
    buckets = sorted(
        (float(key.removeprefix(start).removesuffix('"}')), value - before.get(key, 0.0))
        for key, value in after.items()
        if key.startswith(start)
    )
    if not buckets or not buckets[-1][1]:
        return nan
    wanted = share * buckets[-1][1]
    for (low, fewer), (high, more) in pairwise([(0.0, 0.0), *buckets]):
        if more >= wanted:
            return low if high == inf else low + (high - low) * (wanted - fewer) / (more - fewer)
    return nan
