"""Route templates, however an application is put together."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from service.error_metrics.measurement import MeasuredRequest, RequestObserver
from service.error_metrics.requests import measure_requests
from tests.asgi import request


async def plain(_: Request) -> PlainTextResponse:
    """Answer."""
    return PlainTextResponse("x")


def small_app() -> FastAPI:
    """Return an application to mount."""
    app = FastAPI()

    @app.get("/items/{item_id}")
    def item(item_id: int) -> int:
        return item_id

    return app


def nested_router() -> APIRouter:
    """Return a router within a router."""
    inner = APIRouter(prefix="/inner")
    outer = APIRouter(prefix="/outer")

    @inner.get("/things/{thing_id}")
    def thing(thing_id: int) -> int:
        return thing_id

    outer.include_router(inner, prefix="/{tenant}")
    return outer


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    """An application put together in every way."""
    (tmp_path / "a.txt").write_text("x")
    app = FastAPI()

    @app.get("/things/{thing_id:int}")
    def thing(thing_id: int) -> int:
        return thing_id

    app.add_route("/plain", plain)
    app.add_route("/plain/twice", plain)
    app.include_router(nested_router(), prefix="/v1")
    app.include_router(nested_router(), prefix="/v2")
    starlettes_own = APIRouter()
    starlettes_own.add_route("/plain", plain)
    app.include_router(starlettes_own, prefix="/v5/{tenant}")
    shared = nested_router()
    app.include_router(shared, prefix="/v3")
    app.include_router(shared, prefix="/v4")
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.mount("/sub", small_app())
    app.mount("/tenants/{tenant}", small_app())
    twice = small_app()
    app.mount("/one", twice)
    app.mount("/two", twice)
    app.mount("/router", Router([Route("/r/{x}", plain), Mount("/deep", routes=[Route("/d/{y}", plain)])]))
    app.mount("/wrapped", CORSMiddleware(small_app()))
    app.mount("/layered", Router([Route("/r/{x}", plain)], middleware=[Middleware(CORSMiddleware)]))
    app.mount("/outer", Mount("/inner", routes=[Route("/d/{y}", plain)]))
    app.mount("/outermost", Mount("/inner", small_app()))
    app.router.routes.append(Host("other.example", app=Router([Route("/hosted/{h}", plain)])))
    return app


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/things/1", "/things/{thing_id:int}"),
        ("/things/x", "/unknown"),
        ("/plain", "/plain"),
        ("/plain/twice", "/plain/twice"),
        ("/v1/outer/acme/inner/things/1", "/v1/outer/{tenant}/inner/things/{thing_id}"),
        ("/v2/outer/acme/inner/things/1", "/v2/outer/{tenant}/inner/things/{thing_id}"),
        ("/v5/acme/plain", "/v5/{tenant}/plain"),
        ("/v3/outer/acme/inner/things/1", "/v3/outer/{tenant}/inner/things/{thing_id}"),
        ("/v4/outer/acme/inner/things/x", "/v4/outer/{tenant}/inner/things/{thing_id}"),
        ("/v4/outer/acme/inner/none", "/unknown"),
        ("/static/a.txt", "/static"),
        ("/static/none.txt", "/static"),
        ("/sub/items/1", "/sub/items/{item_id}"),
        ("/sub/none", "/unknown"),
        ("/sub", "/unknown"),
        ("/tenants/acme/items/1", "/tenants/{tenant}/items/{item_id}"),
        ("/one/items/1", "/one/items/{item_id}"),
        ("/two/items/1", "/two/items/{item_id}"),
        ("/router/r/1", "/router/r/{x}"),
        ("/router/deep/d/1", "/router/deep/d/{y}"),
        ("/wrapped/items/1", "/wrapped/items/{item_id}"),
        ("/wrapped/none", "/unknown"),
        ("/layered/r/1", "/layered/r/{x}"),
        ("/outer/inner/d/1", "/outer/inner/d/{y}"),
        ("/outermost/inner/items/1", "/outermost/inner/items/{item_id}"),
        ("/outermost/none", "/unknown"),
        ("/docs", "/docs"),
        ("/things/1/", "/unknown"),  # a redirect to the path without slash
        ("/none", "/unknown"),
    ],
)
@pytest.mark.parametrize("root_path", ["", "/proxy"])
async def test_the_endpoint_is_the_full_template(app: FastAPI, path: str, endpoint: str, root_path: str) -> None:
    """Nested routers, routers included twice, mounts with parameters; with and without a proxy's prefix."""
    assert await endpoint_of(app, root_path + path, root_path) == endpoint


async def endpoint_of(app: FastAPI, path: str, root_path: str = "", host: str = "shop.example") -> str:
    """Return the endpoint that a request is measured under."""
    told: list[str] = []

    class Seen(RequestObserver):
        def finished(self, request: MeasuredRequest) -> None:
            told.append(request.endpoint)

    measure_requests(app, Seen())
    await request(app, path, root_path=root_path, headers={"host": host})
    return told[0]


async def test_a_route_that_is_added_later_is_found(app: FastAPI) -> None:
    """The table is made anew when it lacks one."""
    assert await endpoint_of(app, "/late/1") == "/unknown"

    @app.get("/late/{n}")
    def late(n: int) -> int:
        return n

    told: list[str] = []

    class Seen(RequestObserver):
        def finished(self, request: MeasuredRequest) -> None:
            told.append(request.endpoint)

    measure_requests(app, Seen())
    await request(app, "/late/1")
    await request(app, "/late/2")
    assert told == ["/late/{n}", "/late/{n}"]


async def test_a_route_that_is_added_later_may_share_its_function(app: FastAPI) -> None:
    """It has a template of its own all the same."""
    assert await endpoint_of(app, "/plain") == "/plain"
    app.add_route("/late/{n}", plain)
    assert await endpoint_of(app, "/late/1") == "/late/{n}"
    assert await endpoint_of(app, "/plain") == "/plain"


async def test_an_application_mounted_into_itself_ends() -> None:
    """The walk has a limit."""
    app = FastAPI()
    app.mount("/again", app)
    app.add_route("/plain", plain)
    assert await endpoint_of(app, "/plain") == "/plain"


async def test_a_route_of_somebodys_own_keeps_its_word() -> None:
    """What no table can know is named by its own path, or unknown."""

    class Odd(Route):
        async def handle(self, scope, receive, send):  # type: ignore[no-untyped-def]
            scope["route"] = scope["endpoint"] = type("Made", (), {"path": "/made/up"})()
            await PlainTextResponse("x")(scope, receive, send)

    app = FastAPI()
    app.router.routes.append(Odd("/odd", plain))
    assert await endpoint_of(app, "/odd") == "/made/up"


async def test_routes_that_are_not_measured_stand_behind_all_others() -> None:
    """Although they were added first: routing tries one after the other, for every request."""
    app = FastAPI()
    measure_requests(app).leave_out("/metrics")
    app.add_route("/metrics", plain)

    @app.get("/things/{n}")
    def thing(n: int) -> int:
        return n

    await request(app, "/things/1")
    assert [route.path for route in app.routes][-2:] == ["/things/{n}", "/metrics"]  # type: ignore[attr-defined]
    assert (await request(app, "/metrics")).text == "x"


async def test_a_catch_all_does_not_take_their_requests() -> None:
    """They stay in front of whatever matches their paths."""
    app = FastAPI()
    measurement = measure_requests(app)
    measurement.leave_out("/metrics")
    measurement.leave_out_below("/api")
    app.add_route("/metrics", plain)
    api = APIRouter(prefix="/api")

    @api.get("/by/{code}")
    def by(code: int) -> str:
        return "own"

    app.include_router(api)

    @app.get("/things/{n}")
    def thing(n: int) -> int:
        return n

    @app.get("/{path:path}")
    def anything(path: str) -> str:
        return "anything"

    assert (await request(app, "/metrics")).text == "x"
    assert (await request(app, "/api/by/3")).json() == "own"
    assert (await request(app, "/else")).json() == "anything"
    assert (await request(app, "/things/3")).json() == 3
