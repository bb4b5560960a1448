"""Registering, logging in and out."""

from __future__ import annotations

from fastapi import APIRouter, Request

from service.shop.record import record_action

from .common import LoggedIn, TheShop, address_of, bearer_of, problems
from .schemas import Credentials, Registration, SessionRead, UserRead

router = APIRouter(prefix="/v1", tags=["accounts"], responses=problems(422))


@router.post("/users", status_code=201, responses=problems(409))
async def register(shop: TheShop, registration: Registration) -> UserRead:
    """Open an account."""
    user = await shop.register(registration.email, registration.password.get_secret_value(), registration.country)
    record_action("register")
    return UserRead(id=user.id, country=user.country)


@router.post("/sessions", status_code=201, responses=problems(401, 429))
async def log_in(request: Request, shop: TheShop, credentials: Credentials) -> SessionRead:
    """Log in for an hour; send the token as `Authorization: Bearer <token>`."""
    token, expires = await shop.log_in(credentials.email, credentials.password.get_secret_value(), address_of(request))
    record_action("login")
    return SessionRead(token=token, expires_at=expires)


@router.delete("/sessions", status_code=204, responses=problems(401))
async def log_out(request: Request, shop: TheShop, login: LoggedIn) -> None:  # noqa: ARG001  # only who is in can go
    """Log out."""
    record_action("logout")
    await shop.sessions.end(bearer_of(request))
