"""The error series for Prometheus, and the text that a scrape gets.

Multiprocess mode (`PROMETHEUS_MULTIPROC_DIR`) adds up the counters of all workers; exemplars, `process_*` metrics and
summaries over the last minutes do not exist there, and without a shared store the history is each worker's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from .cells import CounterChild, make_counter, make_histogram, only_child, shared_by_workers
from .config import MetricsConfig

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric
    from prometheus_client.samples import Sample

SAMPLES_A_TURN = 50
HANDLING_BUCKETS = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 1.0)


class PrometheusExporter:
    """Holds the module's series in one registry and renders them.

    Args:
        config: namespace and default labels.
        registry: where to register. By default a new one, and then a scrape also shows what the process has
            registered in prometheus_client's own, such as `process_*` and the application's metrics.

    Raises:
        ValueError: the registry holds series of these names already.
    """

    def __init__(self, config: MetricsConfig | None = None, registry: CollectorRegistry | None = None) -> None:
        config = config or MetricsConfig()
        self.registry = CollectorRegistry(auto_describe=False) if registry is None else registry
        self._shown = _Together(self.registry) if registry is None else self.registry
        self._constant = dict(config.default_labels)
        names, prefix = tuple(self._constant), config.namespace
        self._prefix = prefix
        self._errors = make_counter(
            f"{prefix}_errors_total",
            "Errors by code, domain and HTTP status.",
            ("error_code", "error_domain", "status_code", *names),
            self.registry,
        )
        handling = make_histogram(
            f"{prefix}_error_handling_seconds",
            "Time from an exception to its answer.",
            names,
            HANDLING_BUCKETS,
            self.registry,
        )
        dropped = make_counter(
            f"{prefix}_error_events_dropped_total", "Errors that were counted but not kept.", names, self.registry
        )
        overflow = make_counter(
            f"{prefix}_label_overflow_total",
            "Errors counted as `other` because there are too many codes.",
            names,
            self.registry,
        )
        constant = tuple(self._constant.values())
        self.handling = only_child(handling, constant)
        self.events_dropped = only_child(dropped, constant)
        self.label_overflow = only_child(overflow, constant)

    def counter(self, code: str, domain: str, status: str) -> CounterChild:
        """Return the counter of one series, to be kept: looking it up costs more than counting."""
        return self._errors.labels(code, domain, status, *self._constant.values())

    def more(self, name: str, text: str, *labels: str) -> Callable[..., CounterChild]:
        """Register the counter `<namespace>_<name>`, and return what makes its series from label values.

        Raises:
            ValueError: the registry holds this name already.
        """
        family = make_counter(f"{self._prefix}_{name}", text, (*labels, *self._constant), self.registry)
        return lambda *values: only_child(family, (*values, *self._constant.values()))

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Return body and content type of a scrape, as text or OpenMetrics by the `Accept` header."""
        try:
            encode, content_type = choose_encoder(accept)
        except (ValueError, TypeError):  # a version that is no number
            encode, content_type = choose_encoder("")
        return encode(self._source()), content_type

    def _source(self) -> CollectorRegistry:
        if not shared_by_workers():
            return self._shown
        workers = CollectorRegistry()
        MultiProcessCollector(workers)  # type: ignore[no-untyped-call]
        return workers


class _Polite(list["Sample"]):
    """Samples of one family; whoever walks through them lets waiting threads have the interpreter now and then."""

    def __iter__(self) -> Iterator[Sample]:
        for number, sample in enumerate(super().__iter__()):
            if number % SAMPLES_A_TURN == 0:
                time.sleep(0)  # otherwise the event loop waits for the switch interval, 5 ms at each of its steps
            yield sample


class _Together(CollectorRegistry):
    """Shows a registry and, after it, those families of the process's own that it does not have itself."""

    def __init__(self, own: CollectorRegistry) -> None:
        super().__init__()
        self._own = own

    def collect(self) -> Iterable[Metric]:
        names = set()
        for family in self._own.collect():
            names.add(family.name)
            family.samples = _Polite(family.samples)
            yield family
        for family in REGISTRY.collect():
            if family.name not in names:
                yield family
