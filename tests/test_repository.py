"""The repository itself: locks, versions, and what its pages promise."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from service.settings import VERSION

LOCKS = [
    "requirements.lock",
    "requirements-loadtest.lock",
    "requirements-dev.lock",
    "loadtest/overhead/peers.lock",
    "tests/compat/oldest.lock",
    "tests/copied/module.lock",
]


def pins(lock: Path) -> dict[str, str]:
    """Return the version of each package."""
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_package_by_hash_and_names_no_index(repository: Path, name: str) -> None:
    """So that it installs the same files from any index."""
    text = (repository / name).read_text()
    requirements = re.split(r"\n(?=[a-z0-9])", text)
    assert len(requirements) > 5
    assert all("==" in requirement and "--hash=sha256:" in requirement for requirement in requirements)
    assert not re.search(r"--(extra-)?index-url|--find-links|https?://", text)


@pytest.mark.parametrize(
    "name", ["requirements-dev.lock", "requirements-loadtest.lock", "loadtest/overhead/peers.lock"]
)
def test_what_is_tested_is_what_runs(repository: Path, name: str) -> None:
    """The locks agree on every package that runs."""
    runtime, other = pins(repository / "requirements.lock"), pins(repository / name)
    shared = runtime.keys() & other.keys()
    assert len(shared) > 5
    assert {package: other[package] for package in shared} == {package: runtime[package] for package in shared}


def test_the_alternatives_are_no_dependency(repository: Path) -> None:
    """They are in a lock of their own."""
    for name in LOCKS[:3]:
        assert not {"prometheus-fastapi-instrumentator", "starlette-exporter"} & pins(repository / name).keys()


def test_the_version_stands_in_one_place(repository: Path) -> None:
    """The package and the service agree on it."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_the_pages_lead_somewhere(repository: Path) -> None:
    """Every relative link of every page has a target."""
    pages = subprocess.run(["git", "ls-files", "*.md"], cwd=repository, capture_output=True, text=True, check=True)
    for page in pages.stdout.split():
        text = (repository / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|#|/)([^)#]+)", text):
            assert ((repository / page).parent / target).exists(), f"{page} links to {target}"


def test_make_help_names_every_command_of_the_readme(repository: Path) -> None:
    """And the README names every command that help does."""
    shown = subprocess.run(["make", "help"], cwd=repository, capture_output=True, text=True, check=True).stdout
    commands = set(re.findall(r"^  make (\w+)", shown, re.MULTILINE))
    readme = (repository / "README.md").read_text(encoding="utf-8")
    assert {"run", "test", "lint", "bench", "help"} <= commands
    assert {f"make {name}" for name in ("run", "test", "lint", "bench", "gate", "docs")} <= set(
        re.findall(r"`(make \w+)`", readme)
    )
