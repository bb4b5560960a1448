"""How right decisions were."""

from __future__ import annotations

import math

from prometheus_client import CollectorRegistry

from service.fds.confusion import Confusion

NAMES = ("fds_precision", "fds_recall", "fds_f1_score")


def test_before_anything_is_known_there_is_no_figure() -> None:
    """0 would be a lie, and fire an alert; the counters begin with 0."""
    registry = CollectorRegistry()
    Confusion(registry)
    assert all(math.isnan(registry.get_sample_value(name) or 0) for name in NAMES)
    for name in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
        assert registry.get_sample_value(f"fds_{name}_total") == 0


def test_figures_follow_from_the_matrix() -> None:
    """Precision 6/8, recall 6/9, and their harmonic mean."""
    registry = CollectorRegistry()
    confusion = Confusion(registry)
    for times, fraud, stopped in ((6, True, True), (2, False, True), (3, True, False), (5, False, False)):
        for _ in range(times):
            confusion.add(fraud=fraud, stopped=stopped)
    assert registry.get_sample_value("fds_true_positives_total") == 6
    assert registry.get_sample_value("fds_false_positives_total") == 2
    assert registry.get_sample_value("fds_false_negatives_total") == 3
    assert registry.get_sample_value("fds_true_negatives_total") == 5
    assert [registry.get_sample_value(name) for name in NAMES] == [6 / 8, 6 / 9, 12 / 17]
