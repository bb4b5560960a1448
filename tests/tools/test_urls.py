"""What `make urls` says when there is nothing to say; the rest is tested on the stack itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.tools.urls import main


@pytest.mark.docker
def test_without_a_stack(repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how to start one."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "nobody-has-started-this")
    monkeypatch.chdir(repository)
    assert main() == 1
    assert capsys.readouterr().err == "urls: nothing runs, try `make up`\n"
