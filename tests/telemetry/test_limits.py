"""What control groups allow, on file trees as the kernel shows them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from service.telemetry.limits import ProcessLimits, cpu_limit, memory_limit

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
MEBIBYTE = 1024 * 1024


def tree(root: Path, cgroup: str, **files: str) -> Path:
    """Write `/proc/self/cgroup` and files below `/sys/fs/cgroup`, with `__` for a slash."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(cgroup)
    for name, text in files.items():
        file = root / "sys/fs/cgroup" / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_a_container_sees_its_limits_at_the_root(tmp_path: Path) -> None:
    """Version 2 in a name space of its own."""
    root = tree(tmp_path, "0::/\n", **{"cpu.max": "50000 100000\n", "memory.max": f"{64 * MEBIBYTE}\n"})
    assert (cpu_limit(root), memory_limit(root)) == (0.5, 64 * MEBIBYTE)


def test_the_tightest_limit_of_all_groups_around_it_counts(tmp_path: Path) -> None:
    """A slice can limit what its services do not."""
    root = tree(
        tmp_path,
        "0::/a.slice/b.service\n",
        **{
            "cpu.max": "max 100000\n",
            "a.slice__cpu.max": "25000 100000\n",
            "a.slice__b.service__cpu.max": "50000 100000\n",
            "a.slice__b.service__memory.max": "max\n",
            "a.slice__memory.max": f"{32 * MEBIBYTE}\n",
        },
    )
    assert (cpu_limit(root), memory_limit(root)) == (0.25, 32 * MEBIBYTE)


def test_version_1_has_a_tree_for_each_controller(tmp_path: Path) -> None:
    """Its word for no limit is a number larger than any machine's memory, or -1."""
    root = tree(
        tmp_path,
        "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/docker/x\n",
        **{
            "cpu__docker__x__cpu.cfs_quota_us": "150000\n",
            "cpu__docker__x__cpu.cfs_period_us": "300000\n",
            "cpu__cpu.cfs_quota_us": "-1\n",
            "cpu__cpu.cfs_period_us": "100000\n",
            "memory__docker__x__memory.limit_in_bytes": f"{16 * MEBIBYTE}\n",
            "memory__memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    assert (cpu_limit(root), memory_limit(root)) == (0.5, 16 * MEBIBYTE)


@pytest.mark.parametrize("cgroup", ["0::/\n", "0::/../..\n", "", "nonsense", "0::/nowhere\n"])
def test_without_a_limit_it_is_the_machines(tmp_path: Path, cgroup: str) -> None:
    """Also where the kernel shows something unexpected."""
    root = tree(tmp_path, cgroup, **{"cpu.max": "max 100000\n", "memory.max": "max\n"})
    assert cpu_limit(root) == CORES
    assert memory_limit(root) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_a_group_outside_the_name_space_is_not_looked_for(tmp_path: Path) -> None:
    """The kernel shows it as `/..`, and what lies there in this tree is none of its files."""
    root = tree(tmp_path, "0::/../../x\n", **{"cpu.max": "max 100000\n", "..__cpu.max": "1000 100000\n"})
    assert cpu_limit(root) == CORES


@pytest.mark.parametrize("quota", ["50000 0\n", "50000\n", "50000 -1\n"])
def test_a_quota_without_a_period_is_none(tmp_path: Path, quota: str) -> None:
    """A scrape must not fail of it."""
    assert cpu_limit(tree(tmp_path, "0::/\n", **{"cpu.max": quota})) == CORES


def test_where_there_are_no_control_groups_it_is_the_machines(tmp_path: Path) -> None:
    """As on a Mac."""
    assert cpu_limit(tmp_path) == CORES


def test_a_scrape_reads_the_limits_anew(tmp_path: Path) -> None:
    """Kubernetes can resize a running pod."""
    root = tree(tmp_path, "0::/\n", **{"cpu.max": "50000 100000\n", "memory.max": "1000000\n"})
    registry = CollectorRegistry()
    ProcessLimits(registry, root)
    assert registry.get_sample_value("process_cpu_limit_cores") == 0.5
    assert registry.get_sample_value("process_memory_limit_bytes") == 1_000_000
    (root / "sys/fs/cgroup/cpu.max").write_text("25000 100000\n")
    assert registry.get_sample_value("process_cpu_limit_cores") == 0.25
