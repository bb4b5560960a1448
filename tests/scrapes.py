"""What `/metrics` shows, to compare one time with another."""

from __future__ import annotations

import math
from typing import NamedTuple

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]
OF_LIBRARIES = ("python_", "process_virtual", "process_resident", "process_start", "process_cpu_seconds")
OF_LIBRARIES += ("process_open", "process_max")
NOT_COUNTED = ("_bucket", "_sum", "_created")


class Family(NamedTuple):
    """A metric: its type, its labels, and the samples that tell whether something happened."""

    type: str
    labels: frozenset[str]
    samples: dict[tuple[str, Labels], float]


Scrape = dict[str, Family]


def scrape(base: str) -> Scrape:
    """Return the metrics of a service by name, without those of libraries."""
    text = httpx.get(f"{base}/metrics", timeout=10, trust_env=False).raise_for_status().text
    families = {name_of(family): family for family in text_string_to_metric_families(text)}
    return {name: _told(family) for name, family in families.items() if not name.startswith(OF_LIBRARIES)}


def name_of(family: Metric) -> str:
    """Return the name that a metric has on the page: a counter's with its suffix."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def moved(before: Scrape, after: Scrape, name: str) -> bool:
    """Tell whether a sample of a metric has come to another value that is neither zero nor no number."""
    old = before[name].samples if name in before else {}
    new = after[name].samples if name in after else {}
    return any(value and not math.isnan(value) and value != old.get(key, 0.0) for key, value in new.items())


def _told(family: Metric) -> Family:
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for sample in family.samples
        if family.type in ("counter", "gauge") or not sample.name.endswith(NOT_COUNTED)
    }
    labels = {label for sample in family.samples for label in sample.labels} - {"le"}
    return Family(family.type, frozenset(labels), samples)
