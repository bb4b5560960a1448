"""Taking the sample out, with the commands that the README gives."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.servers import serving

BESIDE_THE_CODE = shutil.ignore_patterns(".git", ".venv*", ".cache", "__pycache__", "*.db*", ".hypothesis")
COMMANDS = re.compile(r"^## Without the sample\n.*?```console\n(.*?)```", re.DOTALL | re.MULTILINE)


def run(command: str, cwd: Path) -> None:
    """Run a command with the tools of this environment; it has to succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "PYTHONPATH": str(cwd)}
    done = subprocess.run(command, shell=True, cwd=cwd, env=environ, capture_output=True, text=True, timeout=120)  # noqa: S602
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


@pytest.fixture
def fork(tmp_path: Path, repository: Path) -> Path:
    """A copy of the repository without the sample."""
    copy = tmp_path / "fork"
    shutil.copytree(repository, copy, ignore=BESIDE_THE_CODE)
    commands = COMMANDS.search((repository / "README.md").read_text(encoding="utf-8"))
    assert commands is not None
    for line in commands[1].splitlines():
        run(line.removeprefix("$ ").replace(".venv/bin/python", "python"), copy)
    return copy


def test_without_the_sample_the_service_serves_and_its_checks_pass(fork: Path) -> None:
    """Nothing else names it."""
    assert not (fork / "service/shop").exists()
    for check in ("ruff check .", "ruff format --check .", "mypy", "lint-imports --no-logo"):
        run(check, fork)
    run("python -m pytest -q -p no:cacheprovider tests/error_metrics/test_catalogue.py", fork)
    with serving(fork, PYTHONPATH=str(fork)) as (base, _):
        with urllib.request.urlopen(f"{base}/health/ready", timeout=5) as answer:  # noqa: S310
            assert json.load(answer)["status"] == "ready"
        with urllib.request.urlopen(f"{base}/openapi.json", timeout=5) as answer:  # noqa: S310
            assert not [path for path in json.load(answer)["paths"] if path.startswith("/v1")]
