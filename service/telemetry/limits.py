"""How much CPU and memory this process may use: what its control groups allow, at most what the machine has.

With it "90 % of the limit" can be asked of `process_cpu_seconds_total` and `process_resident_memory_bytes` without
another exporter. Files: Linux kernel, admin-guide/cgroup-v2 (`cpu.max`, `memory.max`) and cgroup-v1.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.error_metrics.cells import shared_by_workers

CORES = "process_cpu_limit_cores", "Cores that the process may use."
MEMORY = "process_memory_limit_bytes", "Bytes of memory that the process may use."


def export_limits(registry: CollectorRegistry) -> None:
    """Register `process_cpu_limit_cores` and `process_memory_limit_bytes`.

    Raises:
        ValueError: the registry holds series of these names already.
    """
    if not shared_by_workers():
        ProcessLimits(registry)
        return
    # Workers share one limit: what the youngest living one found, because there nothing is read at a scrape.
    for (name, text), limit in ((CORES, cpu_limit()), (MEMORY, memory_limit())):
        Gauge(name, text, registry=registry, multiprocess_mode="livemostrecent").set(limit)


class ProcessLimits(Collector):
    """Reads the limits at each scrape, because Kubernetes can change them while a pod runs.

    Args:
        registry: where they are registered.
        root: the root of the file system, for tests.
    """

    def __init__(self, registry: CollectorRegistry, root: Path = Path("/")) -> None:
        self._root = root
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Name the families without reading anything."""
        return _families(0, 0)

    def collect(self) -> Iterable[Metric]:
        """Show the limits of this moment."""
        return _families(cpu_limit(self._root), memory_limit(self._root))


def cpu_limit(root: Path = Path("/")) -> float:
    """Return how many cores this process may use at a time; 0.5 is half of one."""
    quotas = [float(os.cpu_count() or 1)]
    if hasattr(os, "sched_getaffinity"):
        quotas.append(float(len(os.sched_getaffinity(0))))
    for group in _groups(root, "cpu"):
        quotas += _ratio(_words(group / "cpu.max"))
        quotas += _ratio([*_words(group / "cpu.cfs_quota_us"), *_words(group / "cpu.cfs_period_us")])
    return min(quotas)


def memory_limit(root: Path = Path("/")) -> float:
    """Return how many bytes this process may use."""
    limits = [float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))]
    for group in _groups(root, "memory"):
        words = [*_words(group / "memory.max"), *_words(group / "memory.limit_in_bytes")]
        limits += [float(word) for word in words if word.isdecimal()]
    return min(limits)


def _families(cores: float, memory: float) -> list[Metric]:
    return [GaugeMetricFamily(*CORES, value=cores), GaugeMetricFamily(*MEMORY, value=memory)]


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folder of the process's control group and of all around it, for version 2 and for version 1."""
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                yield from _upwards(root / "sys/fs/cgroup", path)
            elif controller in controllers.split(","):
                yield from _upwards(root / "sys/fs/cgroup" / controller, path)


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    inside = PurePosixPath(path.lstrip("/"))
    for folder in (inside, *inside.parents):  # any of them can be the one that limits
        if ".." not in folder.parts:
            yield mount / folder


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return []


def _ratio(words: list[str]) -> list[float]:
    """Return quota by period; nothing when there is no quota."""
    if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]) > 0:
        return [int(words[0]) / int(words[1])]
    return []
