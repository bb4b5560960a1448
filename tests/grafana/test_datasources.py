"""The ways between Grafana's sources lead somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

NAMES = {"prometheus", "loki", "tempo", "alertmanager"}


@pytest.fixture
def sources(repository: Path) -> dict[str, Any]:
    """The provisioned sources by uid."""
    file = repository / "grafana" / "provisioning" / "datasources" / "datasources.yml"
    return {source["uid"]: source for source in yaml.safe_load(file.read_text("utf-8"))["datasources"]}


def uids(value: Any) -> list[str]:
    """Return every uid that is named somewhere inside."""
    if isinstance(value, dict):
        own = [value["datasourceUid"]] if "datasourceUid" in value else []
        return own + [uid for inner in value.values() for uid in uids(inner)]
    return [uid for inner in value for uid in uids(inner)] if isinstance(value, list) else []


def test_there_are_four_and_prometheus_is_the_default(sources: dict[str, Any]) -> None:
    """Nobody edits them in the browser, where it would be lost."""
    assert sources.keys() == NAMES
    assert {uid: source["type"] for uid, source in sources.items()} == {name: name for name in NAMES}
    assert [uid for uid, source in sources.items() if source.get("isDefault")] == ["prometheus"]
    assert not any(source["editable"] for source in sources.values())


def test_each_link_leads_to_a_source_that_is_there(sources: dict[str, Any]) -> None:
    """Exemplar to trace, line to trace, trace to lines, trace to metrics."""
    named = {uid: set(uids(source["jsonData"])) for uid, source in sources.items()}
    assert named == {"prometheus": {"tempo"}, "loki": {"tempo"}, "tempo": {"loki", "prometheus"}, "alertmanager": set()}


def test_each_source_is_where_prometheus_scrapes_it(sources: dict[str, Any], repository: Path) -> None:
    """The same host and port."""
    scraped = yaml.safe_load((repository / "prometheus" / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    targets = {
        static["labels"]["service"]: static["targets"][0].replace("localhost", "prometheus")
        for job in scraped
        for static in job.get("static_configs", ())
    }
    assert {uid: urlsplit(source["url"]).netloc for uid, source in sources.items()} == {
        name: targets[name] for name in NAMES
    }


def test_links_use_the_names_that_lines_and_exemplars_have(sources: dict[str, Any], repository: Path) -> None:
    """`trace_id`, as in the schema of log lines."""
    schema = json.loads((repository / "docs" / "log-line.schema.json").read_text("utf-8"))
    (exemplar,) = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    (field,) = sources["loki"]["jsonData"]["derivedFields"]
    assert exemplar["name"] == field["matcherRegex"] == "trace_id"
    assert field["matcherType"] == "label"
    assert "trace_id" in schema["properties"]
    # `$$` is Grafana's escape for `$`: what is expanded at the click must have two.
    assert field["url"] == "$${__value.raw}"
    lines = sources["tempo"]["jsonData"]["tracesToLogsV2"]
    assert re.fullmatch(r'\{service=~"\.\+"\} \| trace_id="\$\$\{__trace\.traceId\}"', lines["query"])


def test_the_trace_opens_metrics_that_exist(sources: dict[str, Any], repository: Path) -> None:
    """By the label that the services' targets have."""
    documented = (repository / "docs" / "metrics.md").read_text("utf-8")
    opened = sources["tempo"]["jsonData"]["tracesToMetrics"]
    assert opened["tags"] == [{"key": "service.name", "value": "service"}]
    for query in opened["queries"]:
        (metric,) = re.findall(r"rate\((\w+?)(?:_bucket)?\{", query["query"])
        assert re.search(rf"`{metric}[`{{]", documented), metric
        assert "$$__tags" in query["query"]
