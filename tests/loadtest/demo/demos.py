"""The demo as a process of its own, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.servers import REPOSITORY

KEY = "0123456789abcdef"


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start `python -m loadtest.demo`; both of its outputs come together."""
    return subprocess.Popen(
        [sys.executable, "-m", "loadtest.demo", *arguments],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "DEMO_PARTNER_KEY": KEY},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(*arguments: str) -> tuple[int, str]:
    """Run it to its end; returns its exit code and what it told."""
    process = start(*arguments)
    told, _ = process.communicate(timeout=120)
    return process.returncode, told
