"""What docker-compose.yml promises of every service, also of those whose images a test may not have."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker
ONCE = {"secrets", "migrate", "seed", "bugsink-project", "bugsink-dsn"}
PROBED = {"loki": "loki-probe", "tempo": "tempo-probe", "otel-collector": "otel-collector-probe"}
INSIDE_ONLY = {"postgres", "redis", "loki", "tempo", "otel-collector", "demo"}


def composed(folder: Path) -> Any:
    """Return what compose makes of the file in a folder, with every profile."""
    command = ["docker", "compose", "--profile", "*", "config", "--format", "json"]
    own = {name: value for name, value in os.environ.items() if not name.endswith("_PORT")}
    return json.loads(subprocess.run(command, cwd=folder, env=own, check=True, capture_output=True).stdout)


@pytest.fixture(scope="module")
def stack() -> Any:
    """The whole stack."""
    return composed(Path(__file__).parents[2])


def test_no_container_may_do_more_than_it_must(stack: Any) -> None:
    """A read-only root, no capabilities, no new privileges, limits, no user root but for the one that reads files."""
    for name, service in stack["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["mem_limit"]) > 0, name
        assert service["cpus"] > 0, name
        assert service.get("user") != "0:0" or name == "otel-collector", name
        assert not service.get("privileged"), name


def test_ports_are_on_this_machine_only_and_each_can_be_changed(stack: Any) -> None:
    """By a variable in .env."""
    found = [port for service in stack["services"].values() for port in service.get("ports", ())]
    assert len(found) >= 11
    assert {port["host_ip"] for port in found} == {"127.0.0.1"}
    lines = (Path(__file__).parents[2] / "docker-compose.yml").read_text("utf-8").splitlines()
    assert not [line for line in lines if '"127.0.0.1:' in line and "_PORT:-" not in line]


def test_what_needs_no_port_has_no_way_out(stack: Any) -> None:
    """It is in the internal network alone."""
    assert stack["networks"]["inside"]["internal"]
    for name in INSIDE_ONLY:
        assert list(stack["services"][name]["networks"]) == ["inside"], name


def test_logs_of_containers_stay_bounded(stack: Any) -> None:
    """At most 30 MB each, with the labels by which the collector knows them."""
    for name, service in stack["services"].items():
        options = service["logging"]["options"]
        assert (service["logging"]["driver"], options["max-size"], options["max-file"]) == ("json-file", "10m", "3"), (
            name
        )
        assert options["labels"] == "com.docker.compose.project,com.docker.compose.service", name


def test_what_serves_is_looked_after_and_comes_back(stack: Any) -> None:
    """By a healthcheck of its own, or by a probe beside it; those that end are waited for by somebody."""
    services = stack["services"]
    waited = {name for one in services.values() for name in one.get("depends_on", {})}
    for name, service in services.items():
        if name in ONCE:
            assert service["restart"] == "no", name
            assert name in waited, name
            continue
        assert service["restart"] == "unless-stopped", name
        watched = services[PROBED.get(name, name)]
        # The product's image has one built in.
        assert "test" in watched.get("healthcheck", {}) or watched["image"].startswith("fastapi-reference-stack:"), name
        assert not watched.get("healthcheck", {}).get("disable"), name
    for name, probe in PROBED.items():
        assert f"//{name}:" in services[probe]["healthcheck"]["test"][-1]


def test_the_demo_is_well_as_long_as_it_writes_its_file(stack: Any) -> None:
    """Somebody else's health would hide that it ends again and again."""
    demo = stack["services"]["demo"]
    assert "--alive=/tmp/alive" in demo["command"]
    assert "'/tmp/alive'" in demo["healthcheck"]["test"][-1]


def test_whoever_reads_secrets_is_in_their_group_and_can_not_write_them(stack: Any) -> None:
    """Two one-shot services make them."""
    makers = {"secrets", "bugsink-dsn"}
    for name, service in stack["services"].items():
        mounts = [volume for volume in service.get("volumes", ()) if volume["source"] == "secrets"]
        if name in makers:
            assert service["user"] == "10001:20001", name
        elif mounts:
            assert [mount.get("read_only") for mount in mounts] == [True], name
            assert service["group_add"] == ["20001"], name


def test_what_is_stored_is_in_a_volume(stack: Any) -> None:
    """A container can be thrown away."""
    kept = {
        name: {volume["target"] for volume in service.get("volumes", ()) if volume["type"] == "volume"} - {"/secrets"}
        for name, service in stack["services"].items()
    }
    assert {name: paths for name, paths in kept.items() if paths} == {
        "postgres": {"/var/lib/postgresql/data"},
        "redis": {"/data"},
        "prometheus": {"/prometheus"},
        "alertmanager": {"/alertmanager"},
        "grafana": {"/var/lib/grafana"},
        "loki": {"/loki"},
        "tempo": {"/var/tempo"},
        "otel-collector": {"/var/lib/otelcol"},
        "bugsink": {"/data"},
        "bugsink-project": {"/data"},
    }
    prometheus = stack["services"]["prometheus"]["command"]
    assert {"--storage.tsdb.retention.time=15d", "--storage.tsdb.retention.size=5GB"} <= set(prometheus)


def test_grafanas_password_is_a_secret_and_nobody_signs_up(stack: Any) -> None:
    """Its default one would be left as it is."""
    given = stack["services"]["grafana"]["environment"]
    assert given["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/secrets/grafana_password"
    assert given["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert not {name for name in given if "ANONYMOUS" in name or name == "GF_SECURITY_ADMIN_PASSWORD"}
    targets = {volume["target"] for volume in stack["services"]["grafana"]["volumes"]}
    assert {"/etc/grafana/provisioning", "/var/lib/grafana/dashboards"} <= targets


def test_an_env_file_copied_from_the_example_changes_nothing(stack: Any, repository: Path, tmp_path: Path) -> None:
    """As its first line says to begin."""
    shutil.copy(repository / "docker-compose.yml", tmp_path)
    before = composed(tmp_path)["services"]
    shutil.copy(repository / ".env.example", tmp_path / ".env")
    assert composed(tmp_path)["services"] == before
    assert (
        before["shop"]["environment"]["OTEL_ENABLED"]
        == stack["services"]["shop"]["environment"]["OTEL_ENABLED"]
        == "true"
    )
