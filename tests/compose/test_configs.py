"""Every file is read by the program that it is for."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.docker
COLLECTOR = "otel/opentelemetry-collector-contrib:0.158.0"


def run(
    image: str, *arguments: str, entrypoint: str | None = None, folder: Path, mounted: str, also: Sequence[str] = ()
) -> None:
    """Run a program of an image on a folder of the repository; it must be content."""
    command = ["docker", "run", "--rm", "--volume", f"{folder}:{mounted}:ro", *also]
    command += ["--entrypoint", entrypoint] if entrypoint else []
    done = subprocess.run([*command, image, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_its_configuration_and_rules(repository: Path) -> None:
    """Rule files included."""
    arguments = ("check", "config", "/etc/prometheus/prometheus.yml")
    folder = repository / "prometheus"
    run("prom/prometheus:v3.5.3", *arguments, entrypoint="promtool", folder=folder, mounted="/etc/prometheus")


def test_the_alertmanager_takes_its_configuration(repository: Path) -> None:
    """Receivers included."""
    arguments = ("check-config", "/etc/alertmanager/alertmanager.yml")
    folder = repository / "alertmanager"
    run("prom/alertmanager:v0.33.1", *arguments, entrypoint="amtool", folder=folder, mounted="/etc/alertmanager")


def test_loki_takes_its_configuration(repository: Path) -> None:
    """Limits included."""
    arguments = ("-config.file=/etc/loki/loki.yaml", "-verify-config")
    run("grafana/loki:3.7.8", *arguments, folder=repository / "loki", mounted="/etc/loki")


@pytest.mark.parametrize("parts", [("agent",), ("gateway",), ("agent", "gateway")], ids="+".join)
def test_the_collector_takes_its_configurations(repository: Path, parts: tuple[str, ...]) -> None:
    """Each alone, as in a cluster, and both together, as in compose."""
    files = [f"--config=/etc/otel/{part}.yaml" for part in parts]
    also = ("--tmpfs=/var/lib/otelcol", "--volume=/proc:/hostfs/proc:ro")
    run(COLLECTOR, "validate", *files, folder=repository / "otel", mounted="/etc/otel", also=also)


@pytest.mark.parametrize("part", ["agent", "gateway"])
def test_every_pipeline_limits_memory_first_and_batches_last(repository: Path, part: str) -> None:
    """And what a store can't take now waits on disk, without an end."""
    config = yaml.safe_load((repository / "otel" / f"{part}.yaml").read_text("utf-8"))
    for name, pipeline in config["service"]["pipelines"].items():
        first, *_, last = (processor.partition("/")[0] for processor in pipeline["processors"])
        assert (first, last) == ("memory_limiter", "batch"), name
    sending = {name: exporter for name, exporter in config["exporters"].items() if name.startswith("otlp")}
    for name, exporter in sending.items():
        assert exporter["sending_queue"] == {"storage": "file_storage"}, name
        assert exporter["retry_on_failure"] == {"max_elapsed_time": "0s"}, name
    assert len(sending) == 1


def test_traces_are_taken_from_other_containers_and_kept_for_a_week(repository: Path) -> None:
    """Tempo listens on localhost unless it is told otherwise; its scheduler plans retention and its worker does it."""
    config = yaml.safe_load((repository / "tempo" / "tempo.yaml").read_text("utf-8"))
    protocols = config["distributor"]["receivers"]["otlp"]["protocols"]
    assert {name: told["endpoint"] for name, told in protocols.items()} == {
        "grpc": "0.0.0.0:4317",
        "http": "0.0.0.0:4318",
    }
    planned = config["backend_scheduler"]["provider"]["compaction"]["compaction"]["block_retention"]
    assert planned == config["backend_worker"]["compaction"]["block_retention"] == "168h"


@pytest.mark.parametrize("profiles", [(), ("demo",), ("sentry",), ("debug",), ("demo", "sentry", "debug")])
def test_compose_takes_its_file(repository: Path, profiles: tuple[str, ...]) -> None:
    """With each profile."""
    given = [argument for profile in profiles for argument in ("--profile", profile)]
    done = subprocess.run(["docker", "compose", *given, "config", "-q"], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_dockers_own_checks_find_nothing_in_the_dockerfile(repository: Path) -> None:
    """Secrets in variables, shell forms, undefined variables and their like; it exits with 1 when it warns."""
    done = subprocess.run(["docker", "build", "--check", "."], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_small_and_runs_as_nobody_in_particular(repository: Path) -> None:
    """Less than 110 MB on top of its base, a numeric user, labels, and a probe of its own."""
    build = ["docker", "build", "-q", "--target", "runtime", "-t", "stack-test-image", "."]
    subprocess.run(build, cwd=repository, check=True, capture_output=True)

    def told(image: str, what: str) -> str:
        command = ["docker", "image", "inspect", image, "--format", what]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert int(told("stack-test-image", "{{.Size}}")) - int(told("python:3.13-slim", "{{.Size}}")) < 110_000_000
    assert told("stack-test-image", "{{.Config.User}}") == "10001:10001"
    assert "org.opencontainers.image.version" in told("stack-test-image", "{{json .Config.Labels}}")
    assert "service.tools.healthcheck" in told("stack-test-image", "{{json .Config.Healthcheck.Test}}")
