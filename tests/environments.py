"""Virtual environments of their own for tests that need other versions, or nothing of this repository."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CACHE = Path(__file__).parent.parent / ".cache" / "environments"


def environment(lock: Path) -> Path:
    """Return the Python of an environment that holds exactly what `lock` names; made once and kept.

    Skips the test where packages can't be had, except in CI.
    """
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    home = CACHE / f"{lock.stem}-{digest}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        problem = _install(home, python, lock)
        if problem and os.environ.get("CI"):
            pytest.fail(problem)
        if problem:
            pytest.skip(f"packages cannot be installed here: {problem}")
        (home / "complete").touch()
    return python


def _install(home: Path, python: Path, lock: Path) -> str:
    uv = shutil.which("uv")
    if uv:
        steps = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(home)],
            [uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(lock)],
        ]
    else:
        steps = [
            [sys.executable, "-m", "venv", str(home)],
            [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)],
        ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, timeout=300)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["unknown"])[-1]
    return ""


def run(python: Path, *arguments: str, cwd: Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a Python of another environment, without this one's settings."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "METRICS_"))}
    return subprocess.run(
        [str(python), *arguments], cwd=cwd, env=environ, capture_output=True, text=True, timeout=timeout
    )
