"""The error series and the scrape."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY, CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from service.error_metrics import (
    BaseAppException,
    ErrorMetricsCollector,
    MetricsConfig,
    PrometheusExporter,
    setup_exception_handler,
)
from tests.asgi import request


def exported(**settings: object) -> tuple[ErrorMetricsCollector, CollectorRegistry]:
    """Return a collector with one error, and its registry."""
    registry = CollectorRegistry()
    config = MetricsConfig.testing(**settings)
    collector = ErrorMetricsCollector(config, PrometheusExporter(config, registry))
    collector.record(BaseAppException(310, "x", 404))
    return collector, registry


def test_an_error_is_counted_by_code_domain_and_status() -> None:
    """Under the default namespace."""
    _, registry = exported()
    labels = {"error_code": "310", "error_domain": "RESOURCE", "status_code": "404"}
    assert registry.get_sample_value("fastapi_errors_total", labels) == 1


def test_namespace_and_default_labels_can_be_chosen() -> None:
    """Every series of the module has them."""
    collector, registry = exported(namespace="shop", default_labels={"cluster": "a"})
    labels = {"error_code": "310", "error_domain": "RESOURCE", "status_code": "404", "cluster": "a"}
    assert registry.get_sample_value("shop_errors_total", labels) == 1
    for name in ("shop_error_events_dropped_total", "shop_label_overflow_total", "shop_error_handling_seconds_count"):
        assert registry.get_sample_value(name, {"cluster": "a"}) == 0
    assert collector.exporter is not None


def test_series_with_fixed_labels_are_there_from_the_start() -> None:
    """With 0, so that rates begin with the first error."""
    registry = CollectorRegistry()
    PrometheusExporter(MetricsConfig(), registry)
    for name in ("fastapi_error_events_dropped_total", "fastapi_label_overflow_total"):
        assert registry.get_sample_value(name) == 0


def test_two_applications_in_one_process_do_not_collide() -> None:
    """Each has a registry of its own, unless told otherwise."""
    PrometheusExporter(MetricsConfig())
    PrometheusExporter(MetricsConfig())
    registry = CollectorRegistry()
    PrometheusExporter(MetricsConfig(), registry)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        PrometheusExporter(MetricsConfig(), registry)


def test_what_the_process_has_registered_is_shown_once() -> None:
    """`process_*`, and the application's own series; the module's own win over a namesake."""
    mine = Counter("own_things_total", "Things.")
    namesake = Counter("fastapi_label_overflow_total", "A namesake.")
    try:
        text = PrometheusExporter(MetricsConfig()).exposition()[0].decode()
    finally:
        REGISTRY.unregister(mine)
        REGISTRY.unregister(namesake)
    assert "own_things_total 0.0" in text
    assert text.count("# TYPE fastapi_label_overflow_total") == 1
    if sys.platform == "linux":
        assert "process_resident_memory_bytes" in text


@pytest.mark.parametrize(
    ("accept", "content_type", "parse"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8", parse_text),
        (
            "application/openmetrics-text;version=1.0.0",
            "application/openmetrics-text; version=1.0.0",
            parse_openmetrics,
        ),
    ],
)
async def test_a_scrape_gets_the_format_it_asks_for(accept: str, content_type: str, parse: object) -> None:
    """From /metrics itself, without a redirect, in a form that a parser accepts."""
    app = FastAPI()
    setup_exception_handler(app, metrics_config=MetricsConfig.testing())
    await request(app, "/none")
    result = await request(app, "/metrics", headers={"accept": accept})
    assert result.status == 200
    assert result.headers["content-type"].startswith(content_type)
    families = {family.name: family for family in parse(result.text)}  # type: ignore[operator]
    samples = {sample.name for sample in families["fastapi_errors"].samples}
    assert "fastapi_errors_total" in samples


async def test_the_path_can_be_chosen() -> None:
    """And the usual one is free then."""
    app = FastAPI()
    setup_exception_handler(app, metrics_config=MetricsConfig.testing(prometheus_path="/internal/prom"))
    assert (await request(app, "/internal/prom")).status == 200
    assert (await request(app, "/metrics")).status == 404


async def test_without_prometheus_there_is_no_path() -> None:
    """The rest works."""
    app = FastAPI()
    setup_exception_handler(app, metrics_config=MetricsConfig.testing(prometheus_enabled=False))
    assert (await request(app, "/metrics")).status == 404
    assert (await request(app, "/api/metrics")).json()["total_errors"] == 1


WORKER = """
import sys
from service.error_metrics import BaseAppException, ErrorMetricsCollector, MetricsConfig
collector = ErrorMetricsCollector(MetricsConfig.testing())
for _ in range(int(sys.argv[1])):
    collector.record(BaseAppException(310, "x", 404))
print(collector.exporter.exposition()[0].decode())
"""


def test_workers_of_one_service_add_up(tmp_path: Path, repository: Path) -> None:
    """In multiprocess mode any worker's scrape shows the counts of all."""
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(repository)}
    for errors in ("3", "4"):
        done = subprocess.run(
            [sys.executable, "-c", WORKER, errors], env=environ, capture_output=True, text=True, check=True
        )
    assert 'fastapi_errors_total{error_code="310",error_domain="RESOURCE",status_code="404"} 7.0' in done.stdout


@pytest.mark.parametrize(
    "accept",
    ["text/plain;version=x", "application/openmetrics-text;version=foo", "application/openmetrics-text;version="],
)
async def test_an_accept_header_that_makes_no_sense_gets_plain_text(accept: str) -> None:
    """And is no error."""
    app = FastAPI()
    collector = setup_exception_handler(app, metrics_config=MetricsConfig.testing())
    result = await request(app, "/metrics", headers={"accept": accept})
    assert (result.status, collector.snapshot().total_errors) == (200, 0)
    list(parse_text(result.text))
