"""What routes need: the shop, who asks, and the answers to errors."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Request

from service.error_metrics.models import Problem
from service.shop.accounts import Login
from service.shop.errors import LoginRequired
from service.shop.shop import Shop

MAX_ID = 2**31 - 1
ProductId = Annotated[int, Path(ge=1, le=MAX_ID)]
OrderId = Annotated[int, Path(ge=1, le=MAX_ID)]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document error answers."""
    return {status: {"model": Problem} for status in statuses}


async def _shop(request: Request) -> Shop:  # what is not async runs in another thread, which takes far longer
    shop: Shop = request.app.state.shop
    return shop


TheShop = Annotated[Shop, Depends(_shop)]


def bearer_of(request: Request) -> str:
    """Return the bearer token of a request, empty if it has none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _login(request: Request, shop: TheShop) -> Login:
    token = bearer_of(request)
    login = await shop.sessions.find(token) if token else None
    if login is None:
        raise LoginRequired(headers={"WWW-Authenticate": "Bearer"})
    shop.active.seen(login.user_id)
    return login


async def _partner(shop: TheShop, x_api_key: Annotated[str, Header()] = "") -> str:
    return shop.partners.named(x_api_key)


LoggedIn = Annotated[Login, Depends(_login)]
Partner = Annotated[str, Depends(_partner)]
"""The name of the partner who calls."""


def address_of(request: Request) -> str:
    """Return the address that a request came from; 0.0.0.0 when nobody knows, or a proxy has written something else."""
    host = request.client.host if request.client is not None else ""
    try:
        return str(ip_address(host))
    except ValueError:
        return "0.0.0.0"  # noqa: S104  # nowhere, not everywhere
