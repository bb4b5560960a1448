"""A stack of the tests' own: another project, free ports, and removed afterwards."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import free_port

ROOT = Path(__file__).parents[2]
PORTS = ("SHOP", "FDS", "PROMETHEUS", "ALERTMANAGER", "BUGSINK", "LOKI", "JAEGER", "POSTGRES", "REDIS", "TEMPO", "OTLP")
# All but Grafana and Tempo, whose images CI can't get.
SERVICES = (
    *("shop", "fds", "prometheus", "alertmanager", "loki", "loki-probe", "otel-collector", "otel-collector-probe"),
    *("bugsink", "bugsink-dsn", "debug", "jaeger"),
)
FILES = ("-f", "docker-compose.yml", "-f", "tests/compose/without-registry.yml")


class Stack:
    """A stack that runs.

    Args:
        project: its name.
        ports: on this machine, by name.
    """

    def __init__(self, project: str, ports: dict[str, int]) -> None:
        self._project = project
        self._environment = {**os.environ, **{f"{name}_PORT": str(port) for name, port in ports.items()}}
        self._ports = ports

    def url(self, name: str) -> str:
        """Return where a part listens on this machine."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def get(self, name: str, path: str, **parameters: str) -> Any:
        """Return what a part answers, parsed."""
        return httpx.get(self.url(name) + path, params=parameters, timeout=10).raise_for_status().json()

    def compose(self, *arguments: str, timeout: float = 300) -> str:
        """Run `docker compose` and return its output."""
        command = ["docker", "compose", "-p", self._project, *FILES, "--profile", "sentry", "--profile", "debug"]
        done = subprocess.run(
            [*command, *arguments], cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=timeout
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Let every `docker compose` of this process mean this stack."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COMPOSE_PROJECT_NAME", self._project)
            patch.setenv("COMPOSE_FILE", str(ROOT / "docker-compose.yml"))
            yield

    def inspect(self, service: str) -> Any:
        """Return what Docker knows of a service's container."""
        identifier = self.compose("ps", "--all", "--quiet", service).strip()
        return json.loads(subprocess.run(["docker", "inspect", identifier], capture_output=True, check=True).stdout)[0]


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Start it for the block, without Grafana and Tempo and with Jaeger in Tempo's place."""
    stack = Stack(f"stack-test-{os.getpid()}", {name: free_port() for name in PORTS})
    try:
        stack.compose("up", "--detach", "--build", "--wait", *SERVICES, timeout=600)
        yield stack
    finally:
        stack.compose("down", "--volumes", "--timeout", "5")
