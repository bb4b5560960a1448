"""Requests in progress and bytes, alone and shared by several workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge

from service.telemetry.http_totals import OwnTotals, SharedTotals


@pytest.mark.parametrize("kind", [OwnTotals, SharedTotals])
def test_both_ways_of_keeping_show_the_same(kind: type[OwnTotals | SharedTotals]) -> None:
    """Running requests by method, bytes in and out."""
    registry = CollectorRegistry()
    totals = kind(registry)
    for method in ("GET", "GET", "POST"):
        totals.started(method)
    totals.finished("GET", 10, 200)
    totals.finished("POST", 5, 0)
    assert registry.get_sample_value("http_requests_in_progress", {"method": "GET"}) == 1
    assert registry.get_sample_value("http_requests_in_progress", {"method": "POST"}) == 0
    assert registry.get_sample_value("http_request_bytes_total") == 15
    assert registry.get_sample_value("http_response_bytes_total") == 200


def test_their_names_can_be_taken_once() -> None:
    """As those of any other metric."""
    registry = CollectorRegistry()
    OwnTotals(registry)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        OwnTotals(registry)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        Gauge("http_requests_in_progress", "Mine.", registry=registry)


WORKER = """
import sys
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from service.telemetry import HTTPMetrics
metrics = HTTPMetrics(CollectorRegistry())
metrics._totals.started("GET")
metrics._totals.finished("GET", 1, 100)
metrics.count("GET", "/x", 200, 0.02)
registry = CollectorRegistry()
MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def test_several_workers_add_up(tmp_path: Path, repository: Path) -> None:
    """In multiprocess mode any of them shows the sum of all."""
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(repository)}
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", WORKER], env=environ, capture_output=True, text=True, check=True)
    assert "http_response_bytes_total 200.0" in done.stdout
    assert 'http_requests_total{endpoint="/x",method="GET",status_code="200"} 2.0' in done.stdout
    assert 'http_request_duration_seconds_count{endpoint="/x",method="GET"} 2.0' in done.stdout
