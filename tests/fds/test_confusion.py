"""How right decisions were."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

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


WORKER = """
import sys
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from service.fds.confusion import Confusion
confusion = Confusion(CollectorRegistry())
for _ in range(int(sys.argv[1])):
    confusion.add(fraud=True, stopped=True)
shown = CollectorRegistry()
MultiProcessCollector(shown)
print(generate_latest(shown).decode())
"""


def test_a_worker_that_takes_anothers_place_does_not_hide_what_is_known(tmp_path: Path, repository: Path) -> None:
    """It has counted nothing itself; what it shares with the others is theirs."""
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(repository)}
    for labels in ("5", "0"):
        command = [sys.executable, "-c", WORKER, labels]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert "\nfds_precision 1.0\n" in done.stdout
    assert "\nfds_true_positives_total 5.0\n" in done.stdout
