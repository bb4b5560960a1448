"""`python -m service.tools.up [PROFILE ...]`: start the stack, and say in one line what is in its way.

Runs on the user's machine, with nothing but Python and Docker.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

MEMORY = 3 * 2**30
"""Bytes that Docker should have: the stack idles in half of it."""
DOCKERS = ("/var/lib/docker", "/proc", "/sys")
"""Folders of the machine that Docker runs on, which may be a virtual one."""


class InTheWay(Exception):
    """What keeps the stack from starting, and what to do about it, in one line."""


def main(profiles: Sequence[str]) -> int:
    """Look first, then start; return 1 after a line about what is wrong."""
    given = [argument for profile in profiles for argument in ("--profile", profile)]
    try:
        _check_docker()
        config = json.loads(_said("docker", "compose", *given, "config", "--format", "json"))
        _check_ports(config, _taken_by_us())
        _check_folders(config)
        if subprocess.run(["docker", "compose", *given, "up", "--detach", "--build", "--wait"]).returncode:  # noqa: S603, S607
            raise InTheWay("; ".join(_complaints(config["services"])) or "docker compose has failed, see above")
    except InTheWay as problem:
        print(f"up: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _said(*command: str) -> str:
    """Return what a command prints.

    Raises:
        InTheWay: it fails; its last line says why.
    """
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise InTheWay((done.stderr.strip() or done.stdout.strip() or "it failed").splitlines()[-1])
    return done.stdout


def _check_docker() -> None:
    try:
        info = json.loads(_said("docker", "info", "--format", "{{json .}}"))
    except FileNotFoundError:
        raise InTheWay("docker is not installed, see https://docs.docker.com/get-docker/") from None
    if info.get("ServerErrors"):
        raise InTheWay(f"Docker does not answer: {info['ServerErrors'][0]}")
    try:
        version = _said("docker", "compose", "version", "--short").lstrip("v")
    except InTheWay:
        raise InTheWay("docker has no compose, install its plugin: https://docs.docker.com/compose/install/") from None
    if tuple(int(part) for part in version.split(".")[:2]) < (2, 20):
        raise InTheWay(f"docker compose {version.strip()} is too old, 2.20 or newer is needed")
    if info["MemTotal"] < MEMORY:
        raise InTheWay(f"Docker has {info['MemTotal'] / 2**30:.1f} GiB of memory, give it {MEMORY // 2**30} or more")


def _taken_by_us() -> dict[int, str]:
    """Return the ports that an earlier start of this stack holds, and which part does."""
    found = map(json.loads, _said("docker", "compose", "ps", "--format", "json").splitlines())
    return {port["PublishedPort"]: one["Service"] for one in found for port in one.get("Publishers") or ()}


def _check_ports(config: dict[str, Any], ours: dict[int, str]) -> None:
    wanted: dict[int, str] = {}
    for name, service in config["services"].items():
        for port in service.get("ports", ()):
            number = int(port["published"])
            setting = f"{name.upper()}_PORT" if len(service["ports"]) == 1 else "its ..._PORT of docker-compose.yml"
            holder = wanted.get(number) or ours.get(number, name)
            wanted[number] = name
            if holder != name or (number not in ours and _is_taken(port["host_ip"], number)):
                by = "" if holder == name else f" by {holder}"
                raise InTheWay(f"port {number} of {port['host_ip']} is taken{by}, set {setting}=<another> in .env")


def _check_folders(config: dict[str, Any]) -> None:
    """Refuse what Docker would make, empty and root's."""
    for name, service in config["services"].items():
        bound = (volume["source"] for volume in service.get("volumes", ()) if volume["type"] == "bind")
        for source in bound:
            if not source.startswith(DOCKERS) and not Path(source).exists():
                raise InTheWay(f"{name}: there is no {source}, see `volumes` of docker-compose.yml and .env")


def _is_taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _complaints(wanted: Container[str]) -> Iterator[str]:
    """Yield the last words of each container that was wanted and is not well."""
    everything = ("docker", "compose", "--profile", "*")
    for found in map(json.loads, _said(*everything, "ps", "--all", "--format", "json").splitlines()):
        ill = found["ExitCode"] or found["State"] == "restarting" or found["Health"] == "unhealthy"
        if ill and found["Service"] in wanted:
            last = _said(*everything, "logs", "--no-log-prefix", "--tail", "1", found["Service"])
            yield f"{found['Service']}: {last.strip() or found['Status']}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
