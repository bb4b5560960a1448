"""Counting requests that are not ASGI, by a function that costs its callers nothing to call."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, nan
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from service.app import create_app
from service.settings import Settings
from service.telemetry import HTTPMetrics, record_http_request
from service.telemetry.record import count_requests_in
from tests.asgi import request


@pytest.fixture
def registry() -> Iterator[CollectorRegistry]:
    """What is counted in."""
    registry = CollectorRegistry()
    count_requests_in(HTTPMetrics(registry))
    yield registry
    count_requests_in(None)


def requests(registry: CollectorRegistry) -> dict[tuple[str, str, str], float]:
    """Return the counted requests by method, endpoint and status."""
    return {
        (sample.labels["method"], sample.labels["endpoint"], sample.labels["status_code"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "http_requests_total"
    }


def test_a_request_is_counted_with_its_time(registry: CollectorRegistry) -> None:
    """Among those that are measured."""
    record_http_request("GET", "/upstream", 200, 0.2)
    assert requests(registry) == {("GET", "/upstream", "200"): 1}
    labels = {"method": "GET", "endpoint": "/upstream"}
    assert registry.get_sample_value("http_request_duration_seconds_sum", labels) == 0.2


def test_unknown_methods_share_a_label(registry: CollectorRegistry) -> None:
    """A client can't multiply series."""
    for number in range(3):
        record_http_request(f"BREW{number}", "/pot", 418, 0.1)
    assert requests(registry) == {("_OTHER", "/pot", "418"): 3}


@pytest.mark.parametrize("duration", [nan, inf, -0.1])
def test_a_time_that_is_none_spoils_no_histogram(registry: CollectorRegistry, duration: float) -> None:
    """The request is left out."""
    record_http_request("GET", "/upstream", 200, duration)
    assert requests(registry) == {}


def test_before_there_is_an_application_nothing_happens() -> None:
    """Not even an error."""
    count_requests_in(None)
    record_http_request("GET", "/upstream", 200, 0.2)


async def test_it_counts_in_the_metrics_of_the_application(tmp_path: Path) -> None:
    """The one that was set up last."""
    app: FastAPI = create_app(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db"))
    record_http_request("GET", "/upstream", 502, 0.2)
    text = (await request(app, "/metrics")).text
    assert 'http_requests_total{endpoint="/upstream",method="GET",status_code="502"} 1.0' in text
