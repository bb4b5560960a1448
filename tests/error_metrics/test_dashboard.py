"""`/api/metrics`, through a real application."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from fastapi import FastAPI, Response

from service.error_metrics import BaseAppException, ErrorMetricsCollector, MetricsConfig, setup_exception_handler
from tests.asgi import Result, request

API = "/api/metrics"


def make_app(**settings: Any) -> FastAPI:
    """Return an application whose errors have codes of the caller's choice."""
    app = FastAPI()
    setup_exception_handler(app, metrics_config=MetricsConfig.testing(**settings))

    @app.get("/raise/{code}")
    async def raise_it(code: int) -> None:
        raise BaseAppException(code, f"number {code}", 404)

    @app.get("/fine")
    async def fine() -> str:
        return "fine"

    return app


@pytest.fixture
async def app() -> FastAPI:
    """An application in which 310 came twice, 311 and 598 once, and one request went well."""
    app = make_app(service="shop", version="1.2.3")
    for path in ("/raise/310", "/raise/311", "/raise/310", "/raise/598", "/fine"):
        await request(app, path)
    return app


async def get(app: FastAPI, path: str, **headers: str) -> Result:
    """Return the answer of one route."""
    return await request(app, API + path, headers=headers)


async def test_the_overview_has_totals_and_the_most_frequent(app: FastAPI) -> None:
    """Codes in order of their count."""
    body = (await get(app, "")).json()
    assert (body["total_errors"], body["by_code"]) == (4, {"310": 2, "311": 1, "598": 1})
    assert body["by_domain"] == {"RESOURCE": 3, "SERVER": 1}
    assert [top["error_code"] for top in body["top_errors"]] == [310, 311, 598]
    assert body["last_updated"].endswith("Z")
    assert body["degraded"] is False


async def test_the_summary_is_of_all_requests(app: FastAPI) -> None:
    """From the one measurement; reading it is not measured."""
    for _ in range(3):
        body = (await get(app, "/summary")).json()
    data = body["data"]
    assert body["success"] is True
    assert (data["total_calls"], data["total_errors"], data["error_rate"]) == (5, 4, 80.0)
    assert 0 < data["min_response_time"] <= data["p50"] <= data["p95"] <= data["p99"] <= data["max_response_time"]
    assert data["min_response_time"] <= data["avg_response_time"] <= data["max_response_time"]
    assert [event["error_code"] for event in data["recent_errors"]] == [598, 310, 311, 310]


async def test_a_summary_before_the_first_request_has_no_times() -> None:
    """None is not zero."""
    data = (await get(make_app(), "/summary")).json()["data"]
    assert (data["total_calls"], data["error_rate"], data["avg_response_time"], data["p99"]) == (0, 0.0, None, None)


async def test_the_dashboard_has_windows_names_and_a_timeline(app: FastAPI) -> None:
    """All that the page needs."""
    body = (await get(app, "/dashboard")).json()
    assert body["totals"] == {"total_errors": 4, "dropped_events": 0, "label_overflow": 0}
    assert set(body["windows"]) == {"1h", "24h", "7d"}
    for window in body["windows"].values():
        assert window == {"total_errors": 4, "by_code": body["by_code"], "by_domain": body["by_domain"]}
    assert body["names"]["598"] == "ServerError"
    assert body["domains"] == {"310": "RESOURCE", "311": "RESOURCE", "598": "SERVER"}
    assert (len(body["timeline"]["counts"]), sum(body["timeline"]["counts"])) == (60, 4)
    assert (body["service"], body["version"], body["environment"]) == ("shop", "1.2.3", "development")


async def test_recent_errors_are_newest_first_and_complete(app: FastAPI) -> None:
    """Each with its route template and ids."""
    body = (await get(app, "/recent?limit=2")).json()
    assert body["count"] == 2
    first = body["recent_errors"][0]
    assert (first["error_code"], first["error_domain"], first["status_code"]) == (598, "SERVER", 404)
    assert (first["method"], first["path"], first["message"]) == ("GET", "/raise/{code}", "number 598")
    assert set(first) >= {"timestamp", "request_id", "trace_id", "error_name"}


async def test_recent_errors_can_be_of_one_code_or_domain(app: FastAPI) -> None:
    """In any letter case."""
    assert (await get(app, "/recent?error_code=310")).json()["count"] == 2
    assert (await get(app, "/recent?error_domain=server")).json()["count"] == 1
    assert (await get(app, "/recent?error_code=310&error_domain=SERVER")).json()["count"] == 0


async def test_recent_errors_can_be_of_the_last_minutes(app: FastAPI) -> None:
    """As far as the history reaches."""
    collector: ErrorMetricsCollector = app.state.error_metrics
    now = collector._clock()
    assert (await get(app, "/recent/5")).json()["count"] == 4
    collector._clock = lambda: now + 600
    assert (await get(app, "/recent/5")).json()["count"] == 0
    assert (await get(app, "/recent/15?limit=1")).json()["count"] == 1


async def test_a_code_has_its_history(app: FastAPI) -> None:
    """First, last and windows."""
    body = (await get(app, "/by-code/310")).json()
    assert (body["error_code"], body["error_domain"], body["count"]) == (310, "RESOURCE", 2)
    assert body["first_seen"] <= body["last_seen"]
    assert body["windows"] == {"1h": 2, "24h": 2, "7d": 2}


async def test_a_code_of_the_catalogue_that_has_not_come_is_zero(app: FastAPI) -> None:
    """Known, but quiet."""
    body = (await get(app, "/by-code/299")).json()
    assert (body["error_name"], body["count"], body["first_seen"]) == ("AccessDenied", 0, None)
    assert body["windows"] == {"1h": 0, "24h": 0, "7d": 0}


async def test_a_domain_has_its_codes(app: FastAPI) -> None:
    """The most frequent first; in any letter case."""
    body = (await get(app, "/by-domain/resource")).json()
    assert body == {"domain": "RESOURCE", "total_count": 3, "error_codes": {"310": 2, "311": 1}}
    assert (await get(app, "/by-domain/AUTH")).json()["total_count"] == 0


async def test_top_errors_are_limited(app: FastAPI) -> None:
    """In order of their count."""
    body = (await get(app, "/top-errors?limit=1")).json()
    assert [(top["error_code"], top["count"]) for top in body["top_errors"]] == [(310, 2)]


async def test_the_history_can_be_taken_away_as_csv(app: FastAPI) -> None:
    """A spreadsheet reads it, and runs nothing in it."""
    app.state.error_metrics.record(BaseAppException(312, '=HYPERLINK("x"),\n"quoted"'))
    result = await get(app, "/export?format=csv")
    assert result.headers["content-disposition"] == 'attachment; filename="errors.csv"'
    assert result.headers["content-type"].startswith("text/csv")
    assert result.body.startswith(b"\xef\xbb\xbf")  # else some read it in the encoding of their country
    rows = list(csv.DictReader(io.StringIO(result.body.decode("utf-8-sig"))))
    assert [row["error_code"] for row in rows] == ["312", "598", "310", "311", "310"]
    assert rows[0]["message"] == '\'=HYPERLINK("x"),\n"quoted"'


@pytest.mark.parametrize(
    ("message", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("sold; =1+1", "sold; '=1+1"),
        ('x;"=1+1"', 'x;"\'=1+1"'),
        ("x\n-1", "x\n'-1"),
        ("a|+1", "a|'+1"),
        ("2 = 1 + 1; done, -1 left", "2 = 1 + 1; done, -1 left"),
    ],
)
async def test_a_spreadsheet_that_parts_cells_elsewhere_runs_nothing_either(message: str, cell: str) -> None:
    """In much of Europe it does so at semicolons; commas are in quotes already."""
    app = make_app()
    app.state.error_metrics.record(BaseAppException(312, message))
    text = (await get(app, "/export")).body.decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(text, newline="")))["message"] == cell


async def test_the_history_can_be_taken_away_as_json(app: FastAPI) -> None:
    """The same events."""
    result = await get(app, "/export?format=json")
    assert result.headers["content-type"] == "application/json"
    assert [event["error_code"] for event in result.json()] == [598, 310, 311, 310]


async def test_statistics_can_be_reset(app: FastAPI) -> None:
    """Counts, history and figures of requests."""
    assert (await request(app, API + "/reset", "POST")).json() == {"success": True}
    assert (await get(app, "")).json()["total_errors"] == 0
    assert (await get(app, "/recent")).json()["count"] == 0
    assert (await get(app, "/summary")).json()["data"]["total_calls"] == 0


async def test_production_refuses_a_reset() -> None:
    """403, and nothing is forgotten."""
    secret = f"{'open-sesame':-<32}"
    app = make_app(environment="production", dashboard_token=secret)
    await request(app, "/raise/310")
    token = {"authorization": f"Bearer {secret}"}
    assert (await request(app, API + "/reset", "POST", headers=token)).status == 403
    assert (await get(app, "", **token)).json()["by_code"]["310"] == 1


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/by-code/777", 404, "error code 777 is not in the catalogue"),
        ("/by-code/x", 422, "path.code"),
        ("/by-code/10000", 422, "path.code"),
        ("/by-domain/nowhere", 404, "there are AUTH, RESOURCE"),
        ("/recent?limit=0", 422, "query.limit"),
        ("/recent?limit=1001", 422, "query.limit"),
        ("/recent/0", 422, "path.minutes"),
        ("/top-errors?limit=x", 422, "query.limit"),
        ("/export?format=xml", 422, "query.format"),
        ("/nothing", 404, "Not Found"),
    ],
)
async def test_a_bad_question_is_answered_clearly(app: FastAPI, path: str, status: int, reason: str) -> None:
    """With the name of what is wrong."""
    result = await get(app, path)
    assert result.status == status
    assert reason in result.json()["message"]


@pytest.mark.parametrize(
    "header", ["", "Bearer wrong", "Basic open-sesame", "Bearer", "Bearer open-sesame2", "Bearer öpen-sesame"]
)
@pytest.mark.parametrize("path", ["", "/summary", "/dashboard", "/recent", "/export", "/by-code/310"])
async def test_a_token_guards_every_route(path: str, header: str) -> None:
    """401 with how to do better."""
    result = await get(make_app(dashboard_token="open-sesame"), path, **({"authorization": header} if header else {}))
    assert result.status == 401
    assert result.headers["www-authenticate"] == "Bearer"


async def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the standard library's function for it, whose word is final."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(given: bytes, wanted: bytes) -> bool:
        compared.append((given, wanted))
        return False

    monkeypatch.setattr("hmac.compare_digest", compare)
    result = await get(make_app(dashboard_token="open-sesame"), "", authorization="Bearer open-sesame")
    assert (result.status, len(compared)) == (401, 1)


async def test_the_right_token_opens() -> None:
    """In the usual header."""
    app = make_app(dashboard_token="open-sesame")
    assert (await get(app, "", authorization="Bearer open-sesame")).status == 200


async def test_the_page_has_a_strict_policy_and_needs_no_token() -> None:
    """It holds no data; its script and style have a nonce that is new each time."""
    app = make_app(dashboard_token="open-sesame")
    first, second = [await request(app, "/dashboard", root_path="") for _ in range(2)]
    policy = first.headers["content-security-policy"]
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f'<script nonce="{nonce}"' in first.text
    assert f'<style nonce="{nonce}">' in first.text
    assert nonce not in second.text
    assert f'content="{API}"' in first.text
    assert "http://" not in first.text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(("token", "told"), [(None, "none"), ("open-sesame", "needed")])
async def test_the_page_knows_whether_it_needs_a_token(token: str | None, told: str) -> None:
    """So that it need not find out by a request that would be counted as an error."""
    result = await request(make_app(dashboard_token=token), "/dashboard")
    assert f'<meta name="token" content="{told}">' in result.text


async def test_the_page_finds_its_data_behind_a_prefix() -> None:
    """A proxy may put the service below a path."""
    result = await request(make_app(), "/shop/dashboard", root_path="/shop")
    assert 'content="/shop/api/metrics"' in result.text


async def test_without_the_dashboard_there_is_neither_page_nor_api() -> None:
    """The counters stay."""
    app = make_app(dashboard_enabled=False)
    assert (await request(app, "/dashboard")).status == 404
    assert (await get(app, "")).status == 404
    assert (await request(app, "/metrics")).status == 200


@pytest.mark.parametrize("path", ["/dashboard", "/api/metrics", "/api/{rest:path}"])
async def test_paths_that_the_application_has_already_are_refused(path: str) -> None:
    """One of the two would be hidden; without the dashboard there is nothing to hide."""

    async def own(_: object) -> Response:
        return Response("own")

    app = FastAPI()
    app.add_route(path, own)
    with pytest.raises(ValueError, match=r"dashboard_enabled: the application has /(dashboard|api/metrics) already"):
        setup_exception_handler(app, metrics_config=MetricsConfig.testing())
    app = FastAPI()
    app.add_route(path, own)
    setup_exception_handler(app, metrics_config=MetricsConfig.testing(dashboard_enabled=False))
    assert (await request(app, path.replace("{rest:path}", "x"))).text == "own"


async def test_every_route_is_documented() -> None:
    """With its model and its errors."""
    paths = make_app(dashboard_token="t").openapi()["paths"]
    assert set(paths) >= {
        API + end
        for end in (
            "",
            "/summary",
            "/dashboard",
            "/recent",
            "/recent/{minutes}",
            "/by-code/{code}",
            "/by-domain/{domain}",
            "/top-errors",
            "/export",
            "/reset",
        )
    }
    responses = paths[API + "/by-code/{code}"]["get"]["responses"]
    assert set(responses) == {"200", "401", "404", "422"}


async def test_the_codes_past_the_limit_are_shown_as_other() -> None:
    """Without breaking the answers."""
    app = make_app()
    for code in range(1000, 1600):
        app.state.error_metrics.record(BaseAppException(code, "x"))
    for path in ("", "/dashboard", "/top-errors"):
        assert (await get(app, path)).status == 200
    assert (await get(app, "")).json()["by_code"]["other"] == 100
    assert (await get(app, "/top-errors?limit=1")).json()["top_errors"][0]["error_code"] == "other"


@pytest.mark.parametrize("mask_pii", [True, False])
async def test_half_a_surrogate_pair_in_an_error_stops_no_answer(mask_pii: bool) -> None:
    """JSON from a client and names of files may hold one, and no encoding takes it."""
    app = make_app(mask_pii=mask_pii)
    context: Any = {"path": "job:\udcff.csv", "request_id": "a\ud800", "method": "\ud800", "trace_id": "b\udfff"}
    app.state.error_metrics.record(BaseAppException(310, "no customer 한\ud800"), context)
    for path in ("/recent", "/summary", "/dashboard", "/recent/5", "/export?format=json", "/export"):
        assert (await get(app, path)).status == 200
    (event,) = (await get(app, "/recent")).json()["recent_errors"]
    assert (event["message"], event["path"], event["method"]) == ("no customer 한?", "job:?.csv", "?")
