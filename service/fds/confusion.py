"""How right decisions were, as far as somebody has told."""

from __future__ import annotations

import threading

from prometheus_client import CollectorRegistry, Gauge

from service.error_metrics.cells import make_counter, only_child, shared_by_workers

COUNTERS = {
    (True, True): ("fds_true_positives_total", "Frauds that were held or blocked."),
    (False, True): ("fds_false_positives_total", "Honest payments that were held or blocked."),
    (False, False): ("fds_true_negatives_total", "Honest payments that were let go."),
    (True, False): ("fds_false_negatives_total", "Frauds that were let go."),
}
"""By what a payment was, and by whether it was stopped."""
GAUGES = {
    "fds_precision": "Share of frauds among the payments that were stopped; of this process, NaN before any.",
    "fds_recall": "Share of the frauds that was stopped; of this process, NaN before any.",
    "fds_f1_score": "Harmonic mean of precision and recall; of this process, NaN before any.",
}


class Confusion:
    """The confusion matrix as counters, and the three figures that are made of it.

    Args:
        registry: where they are registered.

    Raises:
        ValueError: the registry holds series of these names already.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(COUNTERS, 0)
        self._counters = {
            key: only_child(make_counter(name, text, (), registry)) for key, (name, text) in COUNTERS.items()
        }
        self._gauges = {
            name: Gauge(name, text, registry=registry, multiprocess_mode="livemostrecent")
            for name, text in GAUGES.items()
        }
        if not shared_by_workers():  # there a young worker, which knows nothing, would hide what the others know
            self._show()

    def add(self, *, fraud: bool, stopped: bool) -> None:
        """Count a payment of which it is now known what it was."""
        self._counters[fraud, stopped].inc()
        with self._lock:
            self._counts[fraud, stopped] += 1
            self._show()

    def _show(self) -> None:
        hits, wrong, missed = (self._counts[key] for key in ((True, True), (False, True), (True, False)))
        figures = (_share(hits, hits + wrong), _share(hits, hits + missed), _share(2 * hits, 2 * hits + wrong + missed))
        for gauge, figure in zip(self._gauges.values(), figures, strict=True):
            gauge.set(figure)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
