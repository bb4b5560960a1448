"""The newest Python, in the image that the service is built on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

IMAGE = "python:3.13-slim"
SCRIPT = """
set -e
mkdir /work && tar -x -C /work && cd /work
python -m venv /venv
/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
# Two at a time: it takes two thirds of the time. The image has no make.
/venv/bin/python -m pytest -q -n 2 --dist loadfile --timeout 300 -p no:cacheprovider \\
  -m 'not docker and not browser and not network' --ignore tests/test_makefile.py
"""


@pytest.mark.docker
@pytest.mark.timeout(1000)
def test_everything_passes_on_python_3_13(repository: Path) -> None:
    """A container that has only Python installs the locked versions and runs the tests."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, check=True).stdout
    archive = subprocess.run(
        ["tar", "-c", "--null", "-T", "-"], cwd=repository, input=tracked, capture_output=True, check=True
    ).stdout
    done = subprocess.run(
        ["docker", "run", "--rm", "--interactive", IMAGE, "sh", "-c", SCRIPT],
        input=archive,
        capture_output=True,
        timeout=900,
    )
    output = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, output[-4000:]
    assert " passed" in output
    assert " skipped" not in output
