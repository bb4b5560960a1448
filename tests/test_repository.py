"""The repository itself: locks, versions, and what its pages promise."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from service.settings import VERSION

FOLDERS = ("docs", "loadtest", "service", "tests")
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
    pages = [*repository.glob("*.md"), *(page for top in FOLDERS for page in (repository / top).rglob("*.md"))]
    assert len(pages) > 6
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|#|/)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page} links to {target}"


def test_the_readme_names_every_command(repository: Path) -> None:
    """Each of the Makefile's that says what it does, and no other."""
    commands = set(re.findall(r"^([a-z]+):.*## ", (repository / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make (\w+)`", (repository / "README.md").read_text(encoding="utf-8")))
    assert {"run", "test", "lint", "bench", "gate", "docs", "help"} <= commands
    assert commands - named <= {"help", "lock", "clean"}
    assert named <= commands
