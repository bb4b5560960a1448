"""The whole stack: one failing checkout is followed from graph to trace, logs, Sentry and dashboard."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

import httpx
import pytest
import yaml

from service.tools import urls

from .stack import Stack, running_stack

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1000)]
PASSWORD, CARD = "correct horse battery", "4242424242424242"
PATIENCE = 60.0
SURVIVORS = ("prometheus", "alertmanager", "loki", "otel-collector")
RESTARTED = ("shop", "fds", "postgres", "redis", *SURVIVORS)


class Broken(NamedTuple):
    """A checkout whose fraud check failed."""

    trace: str
    email: str
    answer: httpx.Response


class Past(NamedTuple):
    """What a buyer has had before a restart."""

    token: str
    order: int


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack."""
    with running_stack() as stack:
        yield stack


@pytest.fixture(scope="module")
def broken(stack: Stack) -> Broken:
    """A checkout while the fraud service answers 500."""
    email, trace = f"{token_hex(4)}@example.com", token_hex(16)
    token = logged_in(stack, email)
    fault = stack.url("FDS") + "/v1/engines/service/fault"
    httpx.put(fault, json={"error": True}).raise_for_status()
    answer = check_out(stack, token, traceparent=f"00-{trace}-{token_hex(8)}-01")
    httpx.put(fault, json={}).raise_for_status()
    return Broken(trace, email, answer)


def logged_in(stack: Stack, email: str) -> str:
    """Return the token of a new buyer."""
    who = {"email": email, "password": PASSWORD}
    httpx.post(f"{stack.url('SHOP')}/v1/users", json=who, timeout=10).raise_for_status()
    found: str = httpx.post(f"{stack.url('SHOP')}/v1/sessions", json=who, timeout=10).json()["token"]
    return found


def check_out(stack: Stack, token: str, **headers: str) -> httpx.Response:
    """Buy something."""
    body = {"items": [{"product_id": 1, "quantity": 1}], "card_number": CARD, "device": token_hex(4)}
    sent = {"Authorization": f"Bearer {token}", "Idempotency-Key": token_hex(8), **headers}
    return httpx.post(f"{stack.url('SHOP')}/v1/checkout", json=body, headers=sent, timeout=20)


def test_the_order_is_held(broken: Broken) -> None:
    """Nobody has looked at it, and nothing is lost."""
    assert broken.answer.status_code == 202, broken.answer.text
    assert (broken.answer.json()["status"], broken.answer.json()["review"]) == ("pending", True)


def test_every_link_from_the_graph_to_the_event_is_there(stack: Stack, broken: Broken) -> None:
    """Each names the same trace; what is missing after a minute is listed."""
    deadline = time.monotonic() + PATIENCE
    while (missing := missing_links(stack, broken)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not missing, "\n".join(f"missing: {name} ({why})" for name, why in missing.items())


def missing_links(stack: Stack, broken: Broken) -> dict[str, str]:
    """Return which links are not there, and why."""
    links: dict[str, Callable[[Stack, Broken], object]] = {
        "the error counter with its code": counted,
        "an exemplar of the latency histogram": exemplar,
        "the trace with spans of both services and the database, parents right": trace_is_whole,
        "log lines of both services": log_lines,
        "the event in Bugsink, without personal data": reported,
        "the error in /api/metrics/recent": recent,
    }
    missing = {}
    for name, look in links.items():
        try:
            look(stack, broken)
        except (AssertionError, LookupError, ValueError, httpx.HTTPError) as problem:
            missing[name] = f"{type(problem).__name__}: {str(problem)[:300]}"
    return missing


def counted(stack: Stack, _: Broken) -> None:
    """In Prometheus, by its target's labels."""
    query = 'last_over_time(fastapi_errors_total{service="shop",environment="staging",error_code="606"}[1h])'
    (sample,) = stack.get("PROMETHEUS", "/api/v1/query", query=query)["data"]["result"]
    assert float(sample["value"][1]) >= 1


def exemplar(stack: Stack, broken: Broken) -> None:
    """In Prometheus' storage of exemplars."""
    now = time.time()
    query = 'http_request_duration_seconds_bucket{service="shop",endpoint="/v1/checkout"}'
    window = {"start": str(now - 600), "end": str(now + 60)}
    series = stack.get("PROMETHEUS", "/api/v1/query_exemplars", query=query, **window)["data"]
    assert broken.trace in {found["labels"]["trace_id"] for one in series for found in one["exemplars"]}


def trace_is_whole(stack: Stack, broken: Broken) -> None:
    """In the trace store: shop → fds, and shop → database."""
    (trace,) = stack.get("JAEGER", f"/api/traces/{broken.trace}")["data"]
    spans = {span["spanID"]: span for span in trace["spans"]}
    services = {key: process["serviceName"] for key, process in trace["processes"].items()}

    def service(span: Any) -> str:
        return services[span["processID"]]

    def parent(span: Any) -> Any:
        (reference,) = span["references"]
        return spans[reference["spanID"]]

    kinds = {key: {tag["key"]: tag["value"] for tag in span["tags"]} for key, span in spans.items()}
    asked = [span for key, span in spans.items() if service(span) == "fds" and kinds[key]["span.kind"] == "server"]
    assert len(asked) in (1, 2)  # it is tried once more, if there is time
    for span in asked:
        calling = parent(span)
        assert (service(calling), kinds[calling["spanID"]]["span.kind"]) == ("shop", "client")
        assert service(parent(calling)) == "shop"
    queries = [span for key, span in spans.items() if "db.system.name" in kinds[key] or "db.system" in kinds[key]]
    assert queries
    assert all(service(parent(span)) == service(span) for span in queries)


def log_lines(stack: Stack, broken: Broken) -> None:
    """In Loki, by the trace's id."""
    query = f'{{service=~"shop|fds", environment="staging"}} | trace_id="{broken.trace}"'
    streams = stack.get("LOKI", "/loki/api/v1/query_range", query=query, since="1h")["data"]["result"]
    assert {stream["stream"]["service"] for stream in streams} == {"shop", "fds"}
    lines = [json.loads(line) for stream in streams for _, line in stream["values"]]
    assert {line["trace_id"] for line in lines} == {broken.trace}


def reported(stack: Stack, broken: Broken) -> None:
    """In Bugsink."""
    token = stack.compose("exec", "-T", "bugsink", "sh", "-c", MAKE_TOKEN).strip().splitlines()[-1]
    with httpx.Client(base_url=stack.url("BUGSINK"), headers={"Authorization": f"Bearer {token}"}, timeout=10) as api:
        issues = api.get("/api/canonical/0/issues/", params={"project": 1}).json()["results"]
        (issue,) = [issue for issue in issues if issue["calculated_type"] == "FraudCheckFailed"]
        events = api.get("/api/canonical/0/events/", params={"issue": issue["id"]}).json()["results"]
        found = [api.get(f"/api/canonical/0/events/{event['id']}/").json()["data"] for event in events]
    (data,) = [one for one in found if dict(one["tags"])["trace_id"] == broken.trace]
    for secret in (broken.email, PASSWORD, CARD):
        assert secret not in json.dumps(data)


MAKE_TOKEN = 'SECRET_KEY="$(cat /secrets/bugsink_secret_key)" bugsink-manage create_auth_token'


def recent(stack: Stack, broken: Broken) -> None:
    """Of the shop."""
    errors = stack.get("SHOP", "/api/metrics/recent")["recent_errors"]
    (error,) = [error for error in errors if error["trace_id"] == broken.trace]
    assert (error["error_code"], error["path"]) == (606, "/v1/checkout")


@pytest.mark.parametrize("service", SURVIVORS)
def test_a_part_that_dies_comes_back_and_costs_no_checkout(stack: Stack, service: str) -> None:
    """Its main process is killed from outside, so that Docker's restart policy holds."""
    before = stack.inspect(service)
    token = logged_in(stack, f"{token_hex(4)}@example.com")
    kill(before["State"]["Pid"])
    statuses = [check_out(stack, token).status_code for _ in range(3)]
    assert set(statuses) <= {201, 202}, statuses
    deadline = time.monotonic() + PATIENCE
    while (now := stack.inspect(service))["RestartCount"] == before["RestartCount"] or not now["State"]["Running"]:
        assert time.monotonic() < deadline, now["State"]
        time.sleep(0.5)


def kill(pid: int) -> None:
    """Kill a process of another container, which takes a container that sees the machine's processes."""
    code = f"import os; os.kill({pid}, 9)"
    command = ["docker", "run", "--rm", "--pid=host", "--user=0", "--entrypoint=python"]
    subprocess.run([*command, "fastapi-reference-stack:0.1.0", "-c", code], check=True, capture_output=True)


@pytest.fixture(scope="module")
def past(stack: Stack, broken: Broken) -> Past:
    """What has been stored before anything is restarted: a login, an order, an error, a line, a silence."""
    token = logged_in(stack, f"{token_hex(4)}@example.com")
    deadline = time.monotonic() + PATIENCE
    while missing_links(stack, broken) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not missing_links(stack, broken)
    silence = {
        "matchers": [{"name": "alertname", "value": "Nothing", "isRegex": False, "isEqual": True}],
        "startsAt": "2000-01-01T00:00:00Z",
        "endsAt": "2100-01-01T00:00:00Z",
        "createdBy": "test",
        "comment": "stays",
    }
    httpx.post(stack.url("ALERTMANAGER") + "/api/v2/silences", json=silence, timeout=10).raise_for_status()
    return Past(token, check_out(stack, token).json()["id"])


@pytest.mark.parametrize("service", RESTARTED)
def test_a_restart_loses_nothing(stack: Stack, broken: Broken, past: Past, service: str) -> None:
    """What was stored before it is there, also who had logged in, and others go on buying."""
    stack.compose("restart", service)
    deadline = time.monotonic() + PATIENCE
    while (problem := lost(stack, broken, past)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not problem


def lost(stack: Stack, broken: Broken, past: Past) -> str:
    """Name what is not there, or not there yet."""
    missing = missing_links(stack, broken)
    if missing:
        return "; ".join(f"{name} ({why})" for name, why in missing.items())
    try:
        sent = {"Authorization": f"Bearer {past.token}"}
        order = httpx.get(f"{stack.url('SHOP')}/v1/orders/{past.order}", headers=sent, timeout=10)
        assert order.status_code == 200, order.text
        bought = check_out(stack, logged_in(stack, f"{token_hex(4)}@example.com"))
        assert bought.status_code in (201, 202), bought.text
        (silence,) = stack.get("ALERTMANAGER", "/api/v2/silences")
        assert silence["comment"] == "stays"
    except (AssertionError, LookupError, ValueError, httpx.HTTPError) as problem:
        return f"{type(problem).__name__}: {str(problem)[:300]}"
    return ""


def test_all_targets_but_those_left_out_are_up(stack: Stack) -> None:
    """Grafana and Tempo are, here; the load test is optional."""
    deadline = time.monotonic() + PATIENCE
    while True:
        targets = stack.get("PROMETHEUS", "/api/v1/targets")["data"]["activeTargets"]
        down = {target["labels"]["service"] for target in targets if target["health"] != "up"}
        if down == {"grafana", "tempo", "loadtest"}:
            break
        assert time.monotonic() < deadline, down
        time.sleep(1)
    assert [target["labels"]["service"] for target in targets if target["labels"].get("optional")] == ["loadtest"]
    assert {target["labels"]["service"] for target in targets} == TARGETS
    assert {target["labels"]["environment"] for target in targets} == {"staging"}


TARGETS = {
    *("shop", "fds", "prometheus", "alertmanager", "grafana", "loki", "tempo", "otel-collector", "host", "loadtest"),
}


def test_a_target_that_is_down_is_noticed_unless_it_is_optional(stack: Stack) -> None:
    """Grafana's and Tempo's are, here."""
    deadline = time.monotonic() + 2 * PATIENCE
    while True:
        groups = stack.get("PROMETHEUS", "/api/v1/rules", type="alert")["data"]["groups"]
        (rule,) = [rule for group in groups for rule in group["rules"] if rule["name"] == "TargetDown"]
        found = {alert["labels"]["service"] for alert in rule["alerts"]}
        if found == {"grafana", "tempo"}:
            return
        assert time.monotonic() < deadline, found
        time.sleep(1)


def test_another_service_is_scraped_as_soon_as_a_file_names_it(stack: Stack, repository: Path) -> None:
    """Without a restart."""
    name = f"test-{token_hex(4)}"
    file = repository / "prometheus" / "targets" / f"{name}.yml"
    file.write_text(json.dumps([{"targets": ["shop:8000"], "labels": {"service": name, "environment": "staging"}}]))
    try:
        deadline = time.monotonic() + PATIENCE
        while name not in {
            target["labels"]["service"]
            for target in stack.get("PROMETHEUS", "/api/v1/targets")["data"]["activeTargets"]
            if target["health"] == "up"
        }:
            assert time.monotonic() < deadline
            time.sleep(1)
    finally:
        file.unlink()


def test_every_address_of_make_urls_answers(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """With a page, and it names the files that hold passwords."""
    with stack.environment():
        assert urls.main() == 0
    said = capsys.readouterr().out
    addresses = [line.split()[1] for line in said.splitlines() if line.split()[1].startswith("http")]
    assert len(addresses) == 5  # Grafana is left out, here
    for address in addresses:
        assert httpx.get(address, follow_redirects=True, timeout=10).status_code == 200, address
    assert "docker compose exec bugsink cat /secrets/bugsink_password" in said


def test_alerts_reach_the_alertmanager(stack: Stack) -> None:
    """The one that always fires."""
    deadline = time.monotonic() + PATIENCE
    while not (
        found := [
            alert["labels"]
            for alert in stack.get("ALERTMANAGER", "/api/v2/alerts")
            if alert["labels"]["alertname"] == "Watchdog"
        ]
    ):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert found == [{"alertname": "Watchdog", "cluster": "compose", "severity": "none", "team": "platform"}]


def test_traces_are_kept_that_somebody_will_look_for_and_no_others(stack: Stack) -> None:
    """Errors, slow ones and those that a service has marked."""
    kinds = {
        "error": {"status": {"code": 2}},
        "slow": {"seconds": 1.2},
        "marked": {"attributes": [{"key": "sampling.marked", "value": {"boolValue": True}}]},
    }
    wanted = {name: (token_hex(16), facts) for name, facts in kinds.items()}
    others = [token_hex(16) for _ in range(30)]
    sent = [span(trace) for trace in others] + [span(trace, **facts) for trace, facts in wanted.values()]
    stack.compose("exec", "-T", "shop", "python", "-c", SEND, json.dumps({"resourceSpans": sent}))
    deadline = time.monotonic() + PATIENCE
    while missing := [name for name, (trace, _) in wanted.items() if not is_stored(stack, trace)]:
        assert time.monotonic() < deadline, missing
        time.sleep(1)
    assert not [trace for trace in others if is_stored(stack, trace)]


SEND = """
import sys, urllib.request
url, sent = "http://otel-collector:4318/v1/traces", {"Content-Type": "application/json"}
urllib.request.urlopen(urllib.request.Request(url, sys.argv[1].encode(), sent), timeout=10)
"""


def span(trace: str, seconds: float = 0.1, **facts: Any) -> Any:
    """Return a trace of one span, as OTLP has it in `resourceSpans`."""
    now = time.time_ns()
    own = {"traceId": trace, "spanId": token_hex(8), "name": "sent by a test", "kind": 2, "startTimeUnixNano": str(now)}
    one = own | {"endTimeUnixNano": str(now + int(seconds * 1e9))} | facts
    return {"resource": {"attributes": []}, "scopeSpans": [{"spans": [one]}]}


def is_stored(stack: Stack, trace: str) -> bool:
    """Tell whether the trace store has it."""
    return httpx.get(f"{stack.url('JAEGER')}/api/traces/{trace}", timeout=10).status_code == 200


def test_labels_of_lines_are_few(stack: Stack, broken: Broken) -> None:
    """Each combination of them is a stream; ids of traces and requests are structured metadata."""
    deadline = time.monotonic() + PATIENCE
    while not lines(stack, f'{{service="shop"}} | trace_id="{broken.trace}" | request_id!=""'):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert set(stack.get("LOKI", "/loki/api/v1/labels")["data"]) == {"environment", "level", "service"}


def lines(stack: Stack, query: str) -> list[str]:
    """Return what Loki finds in the last hour."""
    streams = stack.get("LOKI", "/loki/api/v1/query_range", query=query, since="1h", limit="5000")["data"]["result"]
    return [line for stream in streams for _, line in stream["values"]]


def test_no_line_of_any_container_holds_personal_data(stack: Stack, broken: Broken) -> None:
    """PostgreSQL would quote the row that is there already: here an address that registers twice."""
    who = {"email": broken.email, "password": PASSWORD}
    assert httpx.post(f"{stack.url('SHOP')}/v1/users", json=who, timeout=10).status_code == 409
    deadline = time.monotonic() + PATIENCE
    while not lines(stack, '{service="postgres"} |= "duplicate key"'):
        assert time.monotonic() < deadline
        time.sleep(1)
    for secret in (broken.email, PASSWORD, CARD):
        assert not lines(stack, f'{{service=~".+"}} |= "{secret}"')


def test_lines_of_other_projects_are_left_alone(stack: Stack) -> None:
    """The collector can read them, and drops them."""
    marker = token_hex(8)
    labels = {"com.docker.compose.project": "somebody-elses", "com.docker.compose.service": "shop"}
    given = [argument for name, value in labels.items() for argument in ("--label", f"{name}={value}")]
    logged = ["--log-driver", "json-file", "--log-opt", f"labels={','.join(labels)}"]
    command = ["docker", "run", "--detach", "--rm", *given, *logged, "python:3.13-slim", "sh", "-c"]
    other = subprocess.run([*command, f"echo {marker}; sleep 100"], check=True, capture_output=True, text=True).stdout
    try:
        time.sleep(2)
        trace = token_hex(16)
        sent = {"traceparent": f"00-{trace}-{token_hex(8)}-01"}
        httpx.get(f"{stack.url('SHOP')}/v1/products/1", headers=sent, timeout=10).raise_for_status()
        deadline = time.monotonic() + PATIENCE
        while not lines(stack, f'{{service="shop"}} | trace_id="{trace}"'):  # written later, and here already
            assert time.monotonic() < deadline
            time.sleep(1)
        assert not lines(stack, f'{{service=~".+"}} |= "{marker}"')
    finally:
        subprocess.run(["docker", "rm", "--force", other.strip()], check=True, capture_output=True)


def test_logs_are_kept_for_a_week_within_limits(stack: Stack) -> None:
    """As Loki itself understands its configuration."""
    told = yaml.safe_load(httpx.get(stack.url("LOKI") + "/config", timeout=10).text)
    limits, compactor = told["limits_config"], told["compactor"]
    assert (limits["retention_period"], compactor["retention_enabled"]) == ("1w", True)
    assert (limits["ingestion_rate_mb"], limits["ingestion_burst_size_mb"]) == (10, 20)
    assert (limits["max_global_streams_per_user"], limits["max_entries_limit_per_query"]) == (10000, 5000)
    assert (compactor["compaction_interval"], compactor["retention_delete_delay"]) == ("10m0s", "2h0m0s")
