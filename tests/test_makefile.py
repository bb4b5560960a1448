"""What `make` does with what it is given."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.servers import free_port, status


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize("way", ["environment", "command line"])
def test_a_setting_that_is_given_wins_over_the_file(tmp_path: Path, repository: Path, way: str) -> None:
    """In the environment, or behind `make run`; what is not given comes from the file, blanks and all."""
    (tmp_path / ".env").write_text("FAULTS_ENABLED=false\nSERVICE_NAME=till\nAPP_VERSION='1 of \"two\"'\n")
    port = free_port()
    command = ["make", "-f", str(repository / "Makefile"), f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.run", "run"]
    given = {"FAULTS_ENABLED": "true"}
    environ = {
        **os.environ,
        "PYTHONPATH": str(repository),
        "ODD": "it's\n$HOME",
        **(given if way == "environment" else {}),
    }
    extra = [f"{name}={value}" for name, value in given.items()] if way == "command line" else []
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"PORT={port}", *extra], cwd=tmp_path, env=environ, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 30
        while status(f"http://127.0.0.1:{port}/health/live") != 200 and time.monotonic() < deadline:
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=5) as answer:
            told: Any = json.load(answer)
    finally:
        process.terminate()
        process.wait(timeout=20)
    assert (told["info"]["title"], told["info"]["version"]) == ("till", '1 of "two"')
    assert [path for path in told["paths"] if "fault" in path]
