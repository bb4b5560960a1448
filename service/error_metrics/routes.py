"""The route template of a request, from what routing left in its scope.

Routing leaves the matched route in `scope["route"]`, or for Starlette's own routes only its `endpoint`. Since FastAPI
0.137 that route's path lacks the prefixes of `include_router`, and inside a mount it lacks the mount's. So every route
of the application is entered once in a table by identity, with its full template; only a route that is reachable in
several ways has to be matched again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from functools import lru_cache
from typing import Any, NamedTuple

from fastapi import routing as fastapi_routing
from starlette.routing import BaseRoute, Host, Match, Mount, compile_path

Scope = MutableMapping[str, Any]
Found = Iterator[tuple[str, BaseRoute]]
_iter_contexts = getattr(fastapi_routing, "iter_route_contexts", None)
MAX_DEPTH = 16


class _Place(NamedTuple):
    """A template, and whether paths below it belong to it too, as for a mount."""

    template: str
    is_mount: bool


class _Known(NamedTuple):
    """Keeps the key alive, because identities are reused, and holds the places that it appears at."""

    key: object
    places: tuple[_Place, ...]


class RouteTemplates:
    """Names the requests of one application by route template.

    Args:
        routes: the application's list of routes; what is added to it later is found too.
    """

    def __init__(self, routes: list[BaseRoute]) -> None:
        self._routes = routes
        self._known: dict[int, _Known] = {}
        self._learned = 0  # how many routes there were then

    def of(self, scope: Scope) -> str | None:
        """Return the full template, for example `/v1/orders/{order_id}`, or None when no route matched."""
        known = self._known.get(id(scope.get("route"))) or self._by_endpoint(scope)
        if known is None:
            return None
        places = known.places
        return places[0].template if len(places) == 1 else _choose(scope, places)

    def _by_endpoint(self, scope: Scope) -> _Known | None:
        """Look harder: a route that is not in the table yet, or one that left only its endpoint in the scope."""
        endpoint = scope.get("endpoint")
        if endpoint is None:  # nothing matched
            return None
        route = scope.get("route")
        keys = [key for key in (route, endpoint) if key is not None and not isinstance(key, Mount)]
        known = self._lookup(keys)
        if known is None or len(self._routes) != self._learned:  # a new route may share its function with an old one
            if _below(endpoint) is not None:  # what is mounted there did not match
                return None
            self._learn(keys)
            known = self._lookup(keys)
        return known

    def _lookup(self, keys: Iterable[object]) -> _Known | None:
        return next((self._known[id(key)] for key in keys if id(key) in self._known), None)

    def _learn(self, keys: list[object]) -> None:
        self._learned = len(self._routes)
        for template, route in _walk(self._routes):
            place = _Place(template, isinstance(route, Mount))
            self._enter(route, place)
            endpoint = getattr(route, "endpoint", None) or getattr(route, "app", None)
            if endpoint is not None and _below(endpoint) is None:
                self._enter(endpoint, place)
        if self._lookup(keys) is None:  # a router of somebody's own: its own word, once, or nothing to look for again
            self._enter(keys[0], _Place(str(getattr(keys[0], "path", "")) or "/unknown", False))

    def _enter(self, key: object, place: _Place) -> None:
        known = self._known.get(id(key), _Known(key, ()))
        if place not in known.places:
            self._known[id(key)] = _Known(key, (*known.places, place))


def put_last(routes: list[BaseRoute], chosen: Callable[[str], bool]) -> None:
    """Move routes whose paths are all `chosen` behind the others, as far as no other would take their requests.

    Routing tries one route after the other, so each that stands in front costs every request about a microsecond.
    """
    paths = {id(route): [path for _, path in with_paths([route])] for route in routes}
    moved = [route for route in routes if paths[id(route)] and all(map(chosen, paths[id(route)]))]
    staying = [route for route in routes if route not in moved]
    wanted = [path for route in moved for path in paths[id(route)]]
    place = next((n for n, route in enumerate(staying) if _takes_any(route, wanted)), len(staying))
    routes[:] = [*staying[:place], *moved, *staying[place:]]


def taken(routes: Iterable[BaseRoute], path: str) -> bool:
    """Tell whether one of these routes would take a GET of `path`."""
    return any(_takes_any(route, [path]) for route in routes)


def _takes_any(route: BaseRoute, paths: Iterable[str]) -> bool:
    scope = {"type": "http", "method": "GET", "root_path": "", "headers": [], "query_string": b""}
    return any(route.matches({**scope, "path": path})[0] is not Match.NONE for path in paths)


def _walk(routes: list[BaseRoute], prefix: str = "", depth: int = 0) -> Found:
    """Yield every route below with its full template."""
    if depth > MAX_DEPTH:  # an application mounted into itself
        return
    for route, path in with_paths(routes):
        yield prefix + path, route
        if isinstance(route, Mount | Host):
            yield from _walk(_below(route.app) or [], prefix + path, depth + 1)


def _below(app: Any) -> list[BaseRoute] | None:
    """Return the routes of what is mounted, also through layers around it; None for what has none."""
    for _ in range(MAX_DEPTH):
        if app is None:
            break
        if isinstance(app, BaseRoute):  # which is an application, too
            return [app]
        routes = getattr(app, "routes", None)
        if routes is not None:
            return list(routes)
        app = getattr(app, "app", None)
    return None


def with_paths(routes: list[BaseRoute]) -> Iterator[tuple[BaseRoute, str]]:
    """Yield the routes of one router with their templates, those of routers included in it too."""
    if _iter_contexts is None:
        for route in routes:
            yield route, getattr(route, "path", "")
    else:
        for context in _iter_contexts(routes):
            yield context.original_route, context.path or ""


def _choose(scope: Scope, places: tuple[_Place, ...]) -> str:
    """Return the first template that the path fits, which is the one that routing found."""
    root = scope.get("app_root_path", scope.get("root_path", ""))
    path = scope["path"].removeprefix(root)
    return next((place.template for place in places if _pattern(place).match(path)), places[0].template)


@lru_cache(maxsize=1024)
def _pattern(place: _Place) -> re.Pattern[str]:
    exact, _, _ = compile_path(place.template)
    return re.compile(exact.pattern.removesuffix("$") + "(?:/|$)") if place.is_mount else exact
