"""Reports as a real server shows them: Bugsink, which speaks Sentry's protocol."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.asgi import request
from tests.error_metrics.test_sentry import reporting

IMAGE = "bugsink/bugsink:2.6.1"
PORT = 8000
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Bugsink(NamedTuple):
    """A running server: where its API is and its token, and a project's DSN and number."""

    base: str
    token: str
    dsn: str
    project: int

    def get(self, path: str) -> Any:
        """Ask the API."""
        return api(self.base, self.token, path)


def api(base: str, token: str, path: str, **body: Any) -> Any:
    """Ask a Bugsink's API; with a body, POST it."""
    asked = urllib.request.Request(  # noqa: S310
        f"{base}/api/canonical/0/{path}",
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


@pytest.fixture(scope="module")
def bugsink() -> Iterator[Bugsink]:
    """A Bugsink with an empty project."""
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(IMAGE).with_env("PHONEHOME", "false").with_env("SECRET_KEY", "k" * 50)
    container.with_env("ALLOWED_HOSTS", "*")
    container.ports[f"{PORT}"] = ("127.0.0.1",)  # type: ignore[assignment]
    with container:
        base = f"http://127.0.0.1:{container.get_exposed_port(PORT)}"
        _wait(base)  # its database is made first, and whoever else uses it then keeps it from starting
        token = _token(container)
        team = api(base, token, "teams/", name="tests")
        made = api(base, token, "projects/", name="shop", team=team["id"])
        project = api(base, token, f"projects/{made['id']}/")
        dsn = urlsplit(project["dsn"])  # names the host as Bugsink knows it
        yield Bugsink(base, token, f"http://{dsn.username}@{base.removeprefix('http://')}{dsn.path}", project["id"])


def _token(container: Any) -> str:
    deadline = time.monotonic() + 90
    while True:
        done = container.exec(["bugsink-manage", "create_auth_token"])
        if done.exit_code == 0:
            return str(done.output.decode().strip().splitlines()[-1])
        if time.monotonic() > deadline:
            raise RuntimeError(done.output.decode())
        time.sleep(1)


def _wait(base: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(base, timeout=30):  # noqa: S310
                return
        except urllib.error.HTTPError:  # an answer, too
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def arrived(bugsink: Bugsink, issues: int) -> dict[str, Any]:
    """Wait for so many issues, and return the data of the newest event of each by the type of its exception."""
    deadline = time.monotonic() + 30
    while len(found := bugsink.get(f"issues/?project={bugsink.project}")["results"]) < issues:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    newest = {issue["calculated_type"]: bugsink.get(f"events/?issue={issue['id']}")["results"][0] for issue in found}
    return {name: bugsink.get(f"events/{event['id']}/")["data"] for name, event in newest.items()}


@pytest.mark.docker
async def test_a_real_server_takes_the_errors_that_are_reported_and_groups_them(
    bugsink: Bugsink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unhandled one, one of status 503, a 403 that asks for it, each twice; and no plain 404."""
    monkeypatch.setattr(
        "service.error_metrics.sentry_client.NETWORK_SECONDS", 60.0
    )  # its first answers take their time
    with reporting(bugsink) as app:
        waits = 0
        for attempt in range(1, 11):
            for what in ("bug", "overloaded", "suspicious", "lost"):
                for _ in range(2):
                    await request(app, f"/raise/{what}?email=a@b.example")
            for _ in range(2):
                app.state.error_metrics.record(TimeoutError(), {"trace_id": TRACE})
            assert app.state.sentry.flush(60)
            counts = app.state.sentry.counts
            lost = {reason: number for reason, number in counts.dropped.items() if number}
            before, waits = waits, lost.pop("backoff", 0)
            assert (counts.sent + waits, lost) == (8 * attempt, {})
            if waits == before:  # all have arrived
                break
            await asyncio.sleep(2)  # a busy Bugsink has asked us to
    events = arrived(bugsink, 4)
    told = {name: (event["fingerprint"], event["tags"]["error_domain"]) for name, event in events.items()}
    assert told == {
        "ZeroDivisionError": (["599", "ZeroDivisionError"], "SERVER"),
        "Overloaded": (["511", "Overloaded"], "SERVER"),
        "Suspicious": (["312", "Suspicious"], "RESOURCE"),
        "TimeoutError": (["599", "TimeoutError"], "SERVER"),
    }
    assert {(event["release"], event["environment"]) for event in events.values()} == {("1.2.3", "staging")}
    assert events["Overloaded"]["transaction"] == "GET /raise/{what}"
    assert len(events["Overloaded"]["tags"]["request_id"]) == 32
    assert (
        events["TimeoutError"]["tags"]["trace_id"] == events["TimeoutError"]["contexts"]["trace"]["trace_id"] == TRACE
    )
    assert "b.example" not in json.dumps(events)
