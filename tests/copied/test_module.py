"""The module on its own: copied into an empty project, as its README says."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.environments import environment, run

HERE = Path(__file__).parent


def readme_code(readme: str) -> str:
    """Return the Python of the README's code blocks."""
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    return "\n".join("\n".join(line.removeprefix("   ") for line in block.splitlines()) for block in blocks)


def get(url: str) -> str:
    """Return a body, whatever its status."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return str(answer.read().decode())
    except urllib.error.HTTPError as answer:
        return answer.read().decode()


@pytest.mark.network
def test_the_readme_of_the_module_works_in_an_empty_project(tmp_path: Path, repository: Path) -> None:
    """Copy, install, paste, start, and the error is on every page that the README names."""
    source = repository / "service/error_metrics"
    shutil.copytree(source, tmp_path / "error_metrics", ignore=shutil.ignore_patterns("__pycache__"))
    readme = (source / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\d+\. ", readme, re.MULTILINE)) == 10
    (tmp_path / "main.py").write_text(readme_code(readme), encoding="utf-8")
    named = re.search(r"`pip install (.*?)`", readme)
    assert named is not None
    assert named[1].replace('"', "").split() == (HERE / "module.in").read_text().splitlines()[1:]
    python = environment(HERE / "module.lock")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [str(python), "-m", "uvicorn", "main:app", "--port", str(port)],
        cwd=tmp_path,
        env={"PATH": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                body = json.loads(get(f"{base}/items/1"))
                break
            except OSError:
                time.sleep(0.1)
        assert (body["error_code"], body["error_name"], body["detail"]) == (311, "NoSuchItem", {"item_id": 1})
        assert 'fastapi_errors_total{error_code="311"' in get(f"{base}/metrics")
        assert json.loads(get(f"{base}/api/metrics/recent"))["recent_errors"][0]["path"] == "/items/{item_id}"
        assert "<title>" in get(f"{base}/dashboard")
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.mark.network
def test_the_module_needs_none_of_its_extras(tmp_path: Path, repository: Path) -> None:
    """Neither Sentry nor Redis nor a database is installed, and nothing misses them."""
    shutil.copytree(repository / "service/error_metrics", tmp_path / "error_metrics")
    python = environment(HERE / "module.lock")
    script = (
        "import importlib, pathlib, sys\n"
        "for file in pathlib.Path('error_metrics').rglob('*.py'):\n"
        "    if file.name == 'sentry_client.py':\n"  # the one that is imported on demand
        "        continue\n"
        "    importlib.import_module('.'.join(file.with_suffix('').parts).removesuffix('.__init__'))\n"
        "try:\n"
        "    error_metrics = importlib.import_module('error_metrics')\n"
        "    error_metrics.SentryIntegration(\n"
        "        error_metrics.MetricsConfig(sentry_enabled=True, sentry_dsn='https://k@sentry.example/1'))\n"
        "except ValueError as refused:\n"
        "    print(refused)\n"
        "print(sorted({'sentry_sdk', 'redis', 'sqlalchemy', 'httpx', 'service'} & set(sys.modules)))\n"
    )
    done = run(python, "-c", script, cwd=tmp_path)
    refusal = "sentry_enabled: sentry-sdk is not installed, install the extra `sentry` or set it to false"
    assert (done.stdout.strip(), done.stderr) == (f"{refusal}\n[]", "")
