"""From exception to answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, HTTPException
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from service.error_metrics import (
    BaseAppException,
    ErrorHandlerConfig,
    ErrorMetricsCollector,
    ExceptionRegistry,
    MetricsConfig,
    register_exception,
    setup_exception_handler,
    setup_metrics,
)
from service.error_metrics.measurement import MeasuredRequest, RequestObserver
from service.error_metrics.requests import measure_requests
from tests.asgi import Result, request, scope_of

PROBLEM = {"accept": "application/problem+json"}
catalogue = ExceptionRegistry()


@register_exception(310, status=404, runbook="https://runbooks.example/310", registry=catalogue)
class Lost(BaseAppException):
    """It is lost."""


class Rude(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class RudeItems(dict[str, int]):
    """A mapping that cannot be read."""

    def items(self) -> Any:
        raise RuntimeError("no")


class Order(BaseModel):
    """A body."""

    quantity: int
    password: str


def make_app(config: ErrorHandlerConfig | None = None, metrics: MetricsConfig | None = None) -> FastAPI:
    """Return an application that raises what a request asks for."""
    app = FastAPI()
    setup_exception_handler(app, config, metrics or MetricsConfig.testing(), catalogue=catalogue)
    errors: dict[str, Any] = {
        "lost": Lost(detail={"id": 7}, headers={"Retry-After": "60"}),
        "odd-detail": Lost(detail={"set": {1}, "object": object(), "bytes": b"x"}),
        "circular": Lost(detail=_circular()),
        "infinite": Lost(detail=float("inf")),
        "huge": Lost(message="word " * 2_000_000),
        "control": Lost(message="line\nbreak \x00 \u2028 \ud800"),
        "bad-headers": Lost(headers={"X-Ok": "1", "X Bad": "2", "X-Split": "a\r\nSet-Cookie: b", "X-Han": "한"}),
        "http-404": HTTPException(404, "no such thing"),
        "http-401": HTTPException(401, {"why": "no token"}, {"WWW-Authenticate": "Bearer"}),
        "http-500": HTTPException(500, "database away"),
        "http-599": StarletteHTTPException(599, "odd"),
        "left": ClientDisconnect(),
        "number-message": Lost(message=5),  # type: ignore[arg-type]
        "number-header": Lost(headers={"Retry-After": 60}),  # type: ignore[dict-item]
        "rude": Rude(),
        "rude-detail": Lost(detail={"id": Rude()}),
        "rude-items": Lost(detail=RudeItems(a=1)),
        "no-headers": HTTPException(404, "no such thing", "x"),  # type: ignore[arg-type]
        "time": Lost(detail=datetime(2026, 1, 2, tzinfo=UTC)),
        "http-999": StarletteHTTPException(999, "very odd"),
        "redirect-split": HTTPException(307, headers={"Location": "/elsewhere", "X-Split": "a\r\nSet-Cookie: b"}),
        "uuid": Lost(detail={"id": UUID(int=7), "amount": Decimal("1.50")}),
        "redirect": HTTPException(307, headers={"Location": "/elsewhere"}),
        "grouped": ExceptionGroup("tasks", [ExceptionGroup("more tasks", [Lost(detail={"id": 7})])]),
        "grouped-two": ExceptionGroup("tasks", [Lost(), Lost()]),
        "grouped-304": ExceptionGroup("tasks", [HTTPException(304, headers={"ETag": "x"})]),
        "bug": ZeroDivisionError("secret value 42"),
    }

    @app.get("/raise/{name}")
    async def raise_it(name: str) -> None:
        raise errors[name]

    @app.post("/orders")
    async def place(order: Order) -> Order:
        return order

    return app


def _circular() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


def collector_of(app: FastAPI) -> ErrorMetricsCollector:
    """Return the application's collector."""
    collector: ErrorMetricsCollector = app.state.error_metrics
    return collector


async def raised(name: str, config: ErrorHandlerConfig | None = None, **headers: str) -> Result:
    """Return the answer to an error."""
    return await request(make_app(config), f"/raise/{name}", headers=headers)


@pytest.mark.parametrize(
    ("name", "status", "code", "error_name", "message", "detail"),
    [
        ("lost", 404, 310, "Lost", "It is lost", {"id": 7}),
        ("http-404", 404, 399, "RouteError", "no such thing", None),
        ("http-401", 401, 299, "AccessDenied", "Unauthorized", {"why": "no token"}),
        ("http-500", 500, 598, "ServerError", "database away", None),
        ("http-599", 599, 598, "ServerError", "odd", None),
        ("http-999", 500, 598, "ServerError", "very odd", None),
        ("bug", 500, 599, "InternalServerError", "Internal server error", None),
        ("rude", 500, 599, "InternalServerError", "Internal server error", None),
        ("left", 499, 498, "ClientError", "the client left before its request was complete", None),
        ("grouped", 404, 310, "Lost", "It is lost", {"id": 7}),
        ("grouped-two", 500, 599, "InternalServerError", "Internal server error", None),
        ("number-message", 404, 310, "Lost", "5", None),
        ("nowhere/at/all", 404, 399, "RouteError", "Not Found", None),
    ],
)
async def test_every_error_has_the_same_body(
    name: str, status: int, code: int, error_name: str, message: str, detail: object
) -> None:
    """Whoever raised it."""
    result = await raised(name)
    body = result.json()
    assert result.status == status
    assert result.headers["content-type"] == "application/json"
    assert list(body) == ["error_code", "message", "detail", "timestamp", "error_name", "request_id", "trace_id"]
    assert (body["error_code"], body["error_name"], body["detail"]) == (code, error_name, detail)
    assert body["message"] == message


async def test_a_body_that_does_not_validate_says_where_but_does_not_repeat_it() -> None:
    """The client's own password does not come back."""
    app = make_app()
    result = await request(app, "/orders", "POST", json_body={"quantity": "many", "password": ["hunter2"]})
    body = result.json()
    assert (result.status, body["error_code"]) == (422, 499)
    assert body["message"] == "invalid: body.quantity, body.password"
    assert [problem["loc"] for problem in body["detail"]] == [["body", "quantity"], ["body", "password"]]
    assert "hunter2" not in result.text
    assert collector_of(app).events()[0].message == "invalid: body.quantity, body.password"


async def test_each_error_is_recorded_once_with_its_route() -> None:
    """And under the id that the client is told."""
    app = make_app()
    result = await request(app, "/raise/lost")
    (event,) = collector_of(app).events()
    assert (event.error_code, event.method, event.path) == (310, "GET", "/raise/{name}")
    assert event.request_id == result.json()["request_id"]
    assert len(event.request_id or "") == 32


async def test_ids_that_are_known_are_used() -> None:
    """From the state of the request, where telemetry puts them."""
    app = make_app()

    class Ids:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            scope["state"].update(request_id="r-1", trace_id="t-1")
            await self.app(scope, receive, send)

    app.add_middleware(Ids)
    for name in ("lost", "bug"):
        body = (await request(app, f"/raise/{name}")).json()
        assert (body["request_id"], body["trace_id"]) == ("r-1", "t-1")


async def test_an_unhandled_error_is_answered_recorded_and_raised_again() -> None:
    """So that the server logs it."""
    app = make_app()
    result = await request(app, "/raise/bug")
    assert isinstance(result.exception, ZeroDivisionError)
    assert "secret value" not in result.text
    assert "ZeroDivisionError" not in result.text
    assert [event.error_code for event in collector_of(app).events()] == [599]


async def test_headers_of_the_exception_are_sent_and_bad_ones_left_out() -> None:
    """A header can't split the answer."""
    assert (await raised("lost")).headers["retry-after"] == "60"
    assert (await raised("http-401")).headers["www-authenticate"] == "Bearer"
    headers = (await raised("bad-headers")).headers
    assert headers["x-ok"] == "1"
    assert not {"x bad", "x-split", "set-cookie", "x-han"} & set(headers)


@pytest.mark.parametrize("name", ["odd-detail", "circular", "infinite", "huge", "control"])
@pytest.mark.parametrize("headers", [{}, PROBLEM])
async def test_what_cannot_be_said_in_json_is_answered_all_the_same(name: str, headers: dict[str, str]) -> None:
    """With the proper status and code, and a body of bounded size."""
    result = await raised(name, **headers)
    assert (result.status, result.json()["error_code"]) == (404, 310)
    assert len(result.body) < 10_000
    assert result.exception is None


async def test_a_client_may_ask_for_a_problem() -> None:
    """The same facts as RFC 9457 names them; the type is the runbook."""
    result = await raised("lost", **PROBLEM)
    body = result.json()
    assert result.headers["content-type"] == "application/problem+json"
    assert body["type"] == "https://runbooks.example/310"
    assert (body["title"], body["status"], body["detail"]) == ("It is lost", 404, "It is lost")
    assert (body["error_code"], body["error_detail"], body["error_name"]) == (310, {"id": 7}, "Lost")
    assert set(body) > {"timestamp", "request_id", "trace_id"}


async def test_a_problem_without_runbook_is_about_its_status() -> None:
    """RFC 9457, section 4.2.1."""
    body = (await raised("http-401", **PROBLEM)).json()
    assert (body["type"], body["title"]) == ("about:blank", "Unauthorized")


@pytest.mark.parametrize("accept", ["*/*", "application/problem+json;q=0", "application/json", "x" * 20_000])
async def test_a_client_that_does_not_ask_gets_the_usual_body(accept: str) -> None:
    """A wildcard is no wish."""
    assert (await raised("lost", accept=accept)).headers["content-type"] == "application/json"


async def test_a_redirect_by_exception_is_no_error() -> None:
    """It is sent as it is and not counted."""
    app = make_app()
    result = await request(app, "/raise/redirect")
    assert (result.status, result.headers["location"]) == (307, "/elsewhere")
    assert collector_of(app).snapshot().total_errors == 0


async def test_a_redirect_by_an_exception_of_a_task_is_no_error_either() -> None:
    """What a group of one holds is what was meant; 304 has no body."""
    app = make_app()
    result = await request(app, "/raise/grouped-304")
    assert (result.status, result.body, result.headers["etag"]) == (304, b"", "x")
    assert collector_of(app).snapshot().total_errors == 0


async def test_messages_are_in_the_clients_language(tmp_path: Path) -> None:
    """From one file a locale; the recorded message stays as it is."""
    (tmp_path / "de.json").write_text(json.dumps({"310": "{id} ist verloren"}))
    app = make_app(ErrorHandlerConfig(locale_dirs=(tmp_path,)))
    result = await request(app, "/raise/lost", headers={"accept-language": "fr, de-CH;q=0.8, en;q=0.5"})
    assert (result.json()["message"], result.headers["content-language"]) == ("7 ist verloren", "de")
    assert collector_of(app).events()[0].message == "It is lost"
    result = await request(app, "/raise/http-404", headers={"accept-language": "ko"})
    assert result.json()["message"] == "요청한 경로나 리소스를 찾을 수 없습니다"
    result = await request(app, "/raise/lost", headers={"accept-language": "fr"})
    assert (result.json()["message"], "content-language" in result.headers) == ("It is lost", False)


@pytest.mark.parametrize(
    ("accepted", "message", "locale"),
    [
        ("de", "요청한 경로나 리소스를 찾을 수 없습니다", "ko"),
        ("de, fr", "introuvable", "fr"),
        ("de, en", "no such thing", None),
        ("", "요청한 경로나 리소스를 찾을 수 없습니다", "ko"),
        ("fr-CA", "introuvable", "fr"),
    ],
)
async def test_what_a_locale_lacks_is_told_in_the_next_one(
    tmp_path: Path, accepted: str, message: str, locale: str | None
) -> None:
    """Of those that the client accepts, then in the default one, also when the client says nothing."""
    (tmp_path / "de.json").write_text(json.dumps({"310": "{id} ist verloren"}))
    (tmp_path / "fr.json").write_text(json.dumps({"399": "introuvable"}))
    app = make_app(ErrorHandlerConfig(default_locale="ko", locale_dirs=(tmp_path,)))
    result = await request(app, "/raise/http-404", headers={"accept-language": accepted} if accepted else {})
    assert (result.json()["message"], result.headers.get("content-language")) == (message, locale)


async def test_debugging_shows_the_exception_and_its_traceback() -> None:
    """To a developer, of the service's own failures only."""
    body = (await raised("bug", ErrorHandlerConfig.development())).json()
    assert "secret value 42" in body["debug"]["exception"]
    assert "ZeroDivisionError" in "".join(body["debug"]["traceback"])
    assert "debug" not in (await raised("lost", ErrorHandlerConfig.development())).json()
    body = (await raised("bug", ErrorHandlerConfig(debug_mode=True))).json()
    assert "traceback" not in body["debug"]


async def test_the_time_of_handling_is_measured() -> None:
    """Each error once."""
    app = make_app()
    await request(app, "/raise/lost")
    exporter = collector_of(app).exporter
    assert exporter is not None
    assert exporter.registry.get_sample_value("fastapi_error_handling_seconds_count") == 1


async def test_an_error_after_the_answer_began_keeps_its_code() -> None:
    """Starlette wraps it in a RuntimeError of its own."""
    app = make_app()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"x"
            raise Lost

        return StreamingResponse(parts())

    await request(app, "/stream")
    assert [event.error_code for event in collector_of(app).events()] == [310]


async def test_a_redirect_by_exception_has_only_headers_that_http_allows() -> None:
    """Like every other answer."""
    result = await raised("redirect-split")
    assert (result.status, result.headers["location"], "x-split" in result.headers) == (307, "/elsewhere", False)


async def test_ids_and_amounts_in_a_detail_are_shown() -> None:
    """As texts."""
    assert (await raised("uuid")).json()["detail"] == {"id": str(UUID(int=7)), "amount": "1.50"}


async def test_a_request_id_of_another_kind_is_shown_as_text() -> None:
    """Middleware often uses a UUID."""
    app = make_app()

    @app.middleware("http")
    async def with_id(request: Any, call_next: Any) -> Any:
        request.state.request_id = UUID(int=7)
        return await call_next(request)

    assert (await request(app, "/raise/lost")).json()["request_id"] == str(UUID(int=7))


async def test_a_text_alone_is_the_message() -> None:
    """As with any other exception."""
    assert (Lost("only this").message, Lost("only this").error_code) == ("only this", 310)


async def test_a_validation_error_of_the_applications_own_is_kept_without_its_values() -> None:
    """pydantic's text quotes them."""
    app = make_app()

    @app.get("/own")
    async def own() -> None:
        Order.model_validate({"quantity": "hunter2", "password": 7})

    await request(app, "/own")
    assert collector_of(app).events()[0].message == "ValidationError: 2 in Order, invalid: quantity, password"


async def test_an_answer_that_does_not_fit_its_model_is_kept_without_its_values() -> None:
    """On one line; the values are somebody's data."""
    app = make_app()

    @app.get("/misfit", response_model=Order)
    async def misfit() -> dict[str, Any]:
        return {"quantity": "hunter2", "password": ["hunter3"]}

    await request(app, "/misfit")
    message = collector_of(app).events()[0].message
    assert message == "ResponseValidationError: invalid: response.quantity, response.password"


async def test_headers_that_are_numbers_are_sent() -> None:
    """`Retry-After: 60` is easily written as one."""
    assert (await raised("number-header")).headers["retry-after"] == "60"


@pytest.mark.parametrize(
    ("name", "code"), [("rude-detail", 310), ("rude-items", 310), ("no-headers", 399), ("time", 310)]
)
async def test_whatever_an_exception_holds_there_is_an_answer(name: str, code: int) -> None:
    """With the same code and status."""
    result = await raised(name)
    assert (result.status, result.json()["error_code"]) == (404, code)


async def test_a_cache_learns_what_the_answer_depends_on() -> None:
    """Type and language are the client's choice."""
    assert (await raised("lost")).headers["vary"] == "Accept, Accept-Language"


async def test_an_application_that_serves_the_routes_answers_its_own_errors_alike() -> None:
    """And records them with the others."""
    app, management = FastAPI(), FastAPI()
    collector = setup_exception_handler(app, metrics_config=MetricsConfig.testing(), serve_on=management)
    result = await request(management, "/api/metrics/recent?limit=many")
    assert (result.status, result.json()["error_code"]) == (422, 499)
    assert [(event.error_code, event.path) for event in collector.events()] == [(499, "/api/metrics/recent")]
    assert (await request(app, "/metrics")).status == 404


async def test_series_are_registered_where_the_caller_says() -> None:
    """Beside those of the application's own."""
    app, registry = FastAPI(), CollectorRegistry()
    setup_exception_handler(app, metrics_config=MetricsConfig.testing(), prometheus_registry=registry)
    await request(app, "/nowhere")
    labels = {"error_code": "399", "error_domain": "RESOURCE", "status_code": "404"}
    assert registry.get_sample_value("fastapi_errors_total", labels) == 1


async def test_several_headers_are_one(tmp_path: Path) -> None:
    """RFC 9110, section 5.2: a client may spread its preferences over lines."""
    app = make_app()
    lines = [(b"accept", b"text/html"), (b"accept", b"application/problem+json")]
    lines += [(b"accept-language", b"fr"), (b"accept-language", b"ko")]
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({**scope_of("/nowhere"), "headers": lines}, receive, send)
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"content-language"] == b"ko"


async def test_a_request_has_one_id_whoever_asks_for_it() -> None:
    """The one that an error makes is in the request's state from then on."""
    app, seen = make_app(), []

    class Ids(RequestObserver):
        def finished(self, request: MeasuredRequest) -> None:
            seen.append(request.scope["state"]["request_id"])

    measure_requests(app, Ids())
    told = (await request(app, "/raise/lost")).json()["request_id"]
    assert seen == [told] == [collector_of(app).events()[0].request_id]


async def test_disabled_metrics_leave_the_answers() -> None:
    """And nothing else: no route, no layer, no count."""
    app = make_app(metrics=MetricsConfig.disabled())
    result = await request(app, "/raise/lost")
    assert result.json()["error_code"] == 310
    assert not hasattr(app.state, "request_measurement")
    for path in ("/metrics", "/api/metrics", "/dashboard"):
        assert (await request(app, path)).status == 404
    assert collector_of(app).snapshot().total_errors == 0


async def test_an_earlier_setup_of_the_metrics_is_used() -> None:
    """The two calls can be made apart."""
    app = FastAPI()
    collector = setup_metrics(app, MetricsConfig.testing())
    assert setup_exception_handler(app) is collector


def test_an_earlier_setup_is_held_to_the_same_rules() -> None:
    """Internals must not leave a production process by way of two calls."""
    app = FastAPI()
    setup_metrics(app, MetricsConfig.production())
    with pytest.raises(ValueError, match="debug_mode: must be off in production"):
        setup_exception_handler(app, ErrorHandlerConfig.development())
    with pytest.raises(ValueError, match="sentry_dsn, sentry_enabled: set them in the MetricsConfig"):
        setup_exception_handler(app, ErrorHandlerConfig(sentry_dsn="https://key@sentry.example/1"))


def test_a_second_handler_is_refused() -> None:
    """Also when the metrics are not set up again."""
    app = make_app()
    with pytest.raises(RuntimeError, match="set up before"):
        setup_exception_handler(app)


def test_setting_up_twice_is_refused() -> None:
    """Everything would be counted twice."""
    app = make_app()
    with pytest.raises(RuntimeError, match="set up before"):
        setup_exception_handler(app, metrics_config=MetricsConfig())


@pytest.mark.parametrize("content", ["[]", "{", '{"310": 1}'])
def test_a_broken_locale_file_stops_the_start(tmp_path: Path, content: str) -> None:
    """The error names the file."""
    (tmp_path / "de.json").write_text(content)
    with pytest.raises(ValueError, match=r"locale_dirs: .*de\.json"):
        make_app(ErrorHandlerConfig(locale_dirs=(tmp_path,)))


def test_a_missing_locale_folder_stops_the_start(tmp_path: Path) -> None:
    """The error names the folder."""
    with pytest.raises(ValueError, match="locale_dirs: there is no folder"):
        make_app(ErrorHandlerConfig(locale_dirs=(tmp_path / "none",)))


async def test_a_text_that_asks_for_more_than_there_is_falls_back(tmp_path: Path) -> None:
    """A translator's mistake is no error of the service."""
    (tmp_path / "de.json").write_text(json.dumps({"310": "{color} {id.__class__.__mro__}"}))
    app = make_app(ErrorHandlerConfig(locale_dirs=(tmp_path,)))
    result = await request(app, "/raise/lost", headers={"accept-language": "de"})
    assert result.json()["message"] == "It is lost"
