"""Which tests can run here, and fixtures that several folders share."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browsers import chromium


def _docker_answers() -> bool:
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "info"], capture_output=True, timeout=30).returncode == 0


def _browser_is_there() -> bool:
    return chromium() is not None and importlib.util.find_spec("playwright") is not None


def _cluster_answers() -> bool:
    kubectl = shutil.which("kubectl")
    return kubectl is not None and subprocess.run([kubectl, "version"], capture_output=True, timeout=30).returncode == 0


NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "docker": (_docker_answers, "no Docker engine answers"),
    "k8s": (_cluster_answers, "no Kubernetes cluster answers"),
    "browser": (_browser_is_there, "Chromium (apt install chromium) or playwright is missing"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs something that is not here; with REQUIRE_<NAME>=1 that test runs, and fails."""
    for marker, (available, reason) in NEEDS.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        if marked and os.environ.get(f"REQUIRE_{marker.upper()}") != "1" and not available():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Tell at once what has failed: the whole run takes long, and may be ended before its summary."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\nfailed: {report.nodeid} ({report.when})", flush=True)  # noqa: T201


@pytest.fixture
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's own settings and folder out of every test."""
    settings = (Path(__file__).parent.parent / ".env.example").read_text(encoding="utf-8")
    for name in list(os.environ):
        if name.startswith("METRICS_") or f"\n{name.removesuffix('_FILE')}=" in settings:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
