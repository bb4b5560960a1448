"""The oldest supported versions; the newest are those of the lock file that every other test runs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.environments import environment, run

HERE = Path(__file__).parent
PORTABLE = [
    "tests/error_metrics/test_collector.py",
    "tests/error_metrics/test_handlers.py",
    "tests/error_metrics/test_prometheus.py",
    "tests/error_metrics/test_requests.py",
    "tests/error_metrics/test_broken_answers.py",
    "tests/error_metrics/test_routes.py",
    "tests/telemetry/test_http_metrics.py",
]


@pytest.mark.network
def test_the_module_and_the_http_metrics_work_on_the_oldest_versions(repository: Path) -> None:
    """FastAPI 0.115 names routes quite differently from today's; the same tests pass on it."""
    python = environment(HERE / "oldest.lock")
    version = run(python, "-c", "import fastapi; print(fastapi.__version__)", cwd=repository)
    assert version.stdout.strip() == "0.115.0"
    done = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PORTABLE, cwd=repository)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout
