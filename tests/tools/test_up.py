"""What keeps the stack from starting is said in one line."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.tools import up
from tests.servers import REPOSITORY, free_port

IMAGE = "python:3.13-slim"


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a stack of the test's own, which is removed afterwards."""
    file = tmp_path / "compose.yml"
    monkeypatch.setenv("COMPOSE_FILE", str(file))
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", f"up-test-{os.getpid()}")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    yield file
    if file.exists():
        subprocess.run(["docker", "compose", "down", "--volumes", "--timeout", "1"], check=True, capture_output=True)


def composed(file: Path, *command: str, port: int | None = None, **more: object) -> None:
    """Write a stack of one service."""
    shop = {"image": IMAGE, "command": list(command), "init": True, "stop_grace_period": "1s", **more}
    if port:
        shop["ports"] = [f"127.0.0.1:{port}:8000"]
    file.write_text(json.dumps({"services": {"shop": shop}}))


def docker_that(folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, answer: str) -> None:
    """Put a docker first in the path which answers some arguments by itself and passes on all others."""
    wrapper = folder / "bin" / "docker"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\ncase "$*" in {arguments}) {answer};; esac\nexec {shutil.which("docker")} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")


def complaint(capfd: pytest.CaptureFixture[str]) -> str:
    """Start; return the one line of its own that it says when it has failed."""
    assert up.main([]) == 1
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("up: ")]
    return line.removeprefix("up: ")


def test_without_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """It says where to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert complaint(capfd) == "docker is not installed, see https://docs.docker.com/get-docker/"


@pytest.mark.docker
def test_an_engine_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """It says which."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")
    assert "unix:///nowhere" in complaint(capfd)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            "echo \"docker: 'compose' is not a docker command.\" >&2; exit 1",
            "docker has no compose, install its plugin: ",
        ),
        ("echo v2.19.1; exit", "docker compose 2.19.1 is too old, 2.20 or newer is needed"),
    ],
)
def test_compose_that_is_missing_or_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], answer: str, said: str
) -> None:
    """It says what is needed."""
    docker_that(tmp_path, monkeypatch, '"compose version"*', answer)
    assert complaint(capfd).startswith(said)


@pytest.mark.docker
def test_too_little_memory(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """It says how much there is, and how much is needed."""
    monkeypatch.setattr(up, "MEMORY", 2**50)
    assert complaint(capfd).endswith(" GiB of memory, give it 1048576 or more")


@pytest.mark.docker
def test_a_port_that_somebody_has_taken(stack: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It names the port and the setting; nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        composed(stack, "sleep", "60", port=port)
        assert complaint(capfd) == f"port {port} of 127.0.0.1 is taken, set SHOP_PORT=<another> in .env"
    assert not subprocess.run(["docker", "compose", "ps", "-aq"], capture_output=True, check=True).stdout


@pytest.mark.docker
def test_a_port_that_is_given_twice(stack: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It names both parts, also where one of them runs already and holds it."""
    port = free_port()
    composed(stack, "sleep", "60", port=port)
    assert up.main([]) == 0
    shop = json.loads(stack.read_text())["services"]["shop"]
    stack.write_text(json.dumps({"services": {"shop": shop, "till": shop}}))
    assert complaint(capfd) == f"port {port} of 127.0.0.1 is taken by shop, set TILL_PORT=<another> in .env"
    stack.write_text(json.dumps({"services": {"shop": shop | {"ports": []}, "till": shop}}))
    assert complaint(capfd) == f"port {port} of 127.0.0.1 is taken by shop, set TILL_PORT=<another> in .env"


@pytest.mark.docker
def test_a_folder_that_is_not_there(stack: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Docker would make one, which is empty and root's."""
    composed(stack, "sleep", "60", volumes=[f"{stack.parent}/nowhere:/logs:ro"])
    assert complaint(capfd).startswith(f"shop: there is no {stack.parent}/nowhere, see `volumes`")


@pytest.mark.docker
def test_what_another_profile_left_behind_is_not_blamed(stack: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Only what was asked for is."""
    left = {"image": IMAGE, "command": ["sh", "-c", "echo not me; exit 1"], "profiles": ["demo"]}
    ill = {"image": IMAGE, "command": ["sh", "-c", "echo it is me; exit 1"]}
    stack.write_text(json.dumps({"services": {"left": left, "ill": ill}}))
    assert up.main(["demo"]) == 1
    capfd.readouterr()
    assert complaint(capfd) == "ill: it is me"


@pytest.mark.docker
def test_starting_again_is_no_conflict_with_itself(stack: Path) -> None:
    """The ports are taken, by us."""
    composed(stack, "sleep", "60", port=free_port())
    assert [up.main([]), up.main([])] == [0, 0]


@pytest.mark.docker
def test_a_secret_that_can_not_be_read(stack: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What the service has said last is in the line: the variable, the file and the cure."""
    secret = stack.parent / "database_url"
    secret.write_text("postgresql+asyncpg://shop@127.0.0.1/shop")
    secret.chmod(0o400)
    subprocess.run(["docker", "build", "-qt", "stack-test-image", "--target", "runtime", REPOSITORY], check=True)
    composed(
        stack,
        *("service", "migrate"),
        image="stack-test-image",
        init=False,
        environment={"DATABASE_URL_FILE": "/secret", "ENVIRONMENT": "staging"},
        volumes=[f"{secret}:/secret:ro"],
    )
    assert complaint(capfd).startswith(
        "shop: service: DATABASE_URL_FILE: cannot read /secret: Permission denied; let uid 10001 read it"
    )
