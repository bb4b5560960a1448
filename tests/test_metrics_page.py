"""docs/metrics.md is what the service shows."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from service.app import Telemetry, create_service
from service.error_metrics import MetricsConfig
from service.settings import Settings
from service.telemetry import setup_logging, setup_tracing
from service.telemetry.clients import ClientMetrics
from tests.asgi import request

from .telemetry.logs.conftest import untouched

__all__ = ["untouched"]
ROW = re.compile(r"^\| `(?P<name>\w+)(?:{(?P<labels>[\w,]+)})?` \| (?P<type>\w+) \|", re.MULTILINE)
OTHERS = ("process_virtual", "process_resident", "process_start", "process_cpu_seconds", "process_open", "process_max")


@pytest.mark.usefixtures("untouched")
async def test_the_page_lists_what_a_scrape_shows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, repository: Path
) -> None:
    """Every name with its type and labels, and nothing else."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    metrics = MetricsConfig(sentry_enabled=True, sentry_dsn="http://key@127.0.0.1:9/1")
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path}/x.db", api_keys={"till": "0123456789abcdef"}, metrics=metrics
    )
    with (tmp_path / "log").open("wb") as log:
        telemetry = Telemetry(setup_logging(descriptor=log.fileno()), setup_tracing({}))
        app = create_service(settings, telemetry).app
        registry: CollectorRegistry = app.state.error_metrics.exporter.registry
        ClientMetrics(registry).add("fds", "GET", "200", 0.1)
        app.state.resources.caches.hits.labels("product").inc()
        app.state.resources.breakers.show("fds", "closed")
        async with app.router.lifespan_context(app):
            await request(app, "/v1/products/99")
            text = (await request(app, "/metrics")).text
        assert all(part.close() for part in telemetry if part is not None)
    shown = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if not name.startswith(("python_", *OTHERS)):
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            shown[name] = (family.type, frozenset(labels))
    page = (repository / "docs" / "metrics.md").read_text(encoding="utf-8")
    listed = {
        row["name"]: (row["type"], frozenset((row["labels"] or "").split(",")) - {""}) for row in ROW.finditer(page)
    }
    assert {name: kind for name, (kind, _) in listed.items()} == {name: kind for name, (kind, _) in shown.items()}
    assert {name: labels for name, (_, labels) in shown.items() if labels != listed[name][1]} == {
        "cache_misses_total": frozenset()  # there was none yet
    }


@pytest.fixture
def maker(repository: Path) -> ModuleType:
    """What makes the page; it is a script and belongs to no package."""
    spec = importlib.util.spec_from_file_location("make_metrics", repository / "docs" / "make_metrics.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_is_made(maker: ModuleType, repository: Path) -> None:
    """`make docs` makes it again."""
    assert (repository / "docs" / "metrics.md").read_text(encoding="utf-8") == maker.page()


def test_the_page_names_the_dashboards_and_alerts_that_use_a_metric(maker: ModuleType, tmp_path: Path) -> None:
    """By its own name or that of one of its samples, and not by that of another metric."""
    (tmp_path / "docs").mkdir()
    metric = 'name = "shop_seconds"\ntype = "histogram"\nlabels = ["x"]\nmeaning = "time"\nunit = "seconds"\n'
    (tmp_path / "docs" / "metrics.toml").write_text(
        f'[[section]]\ntitle = "A"\ntext = ""\n[[section.metric]]\n{metric}'
    )
    for name, query in {"used": "rate(shop_seconds_bucket[5m])", "other": "my_shop_seconds"}.items():
        (tmp_path / "grafana" / "dashboards").mkdir(parents=True, exist_ok=True)
        (tmp_path / "grafana" / "dashboards" / f"{name}.json").write_text(json.dumps({"expr": query}))
    rules = """groups:
  - name: a
    rules:
      - record: level:shop_seconds:rate5m
        expr: rate(shop_seconds_count[5m])
      - alert: Slow
        expr: shop_seconds_sum > 1
      - alert: Quick
        expr: level:shop_seconds:rate5m > 1
"""
    (tmp_path / "prometheus" / "rules").mkdir(parents=True)
    (tmp_path / "prometheus" / "rules" / "shop.yml").write_text(rules)
    assert f"| `shop_seconds{{x}}` | histogram | time | seconds | {maker.NOTHING} | used | Slow |" in maker.page(
        tmp_path
    )
