"""The FastAPI application under measurement: nested routers, path parameters, small JSON answers, errors.

Twenty routes in three routers, so that finding the route of a request costs what it costs in a real service.
Every endpoint is `async def`: a thread pool would add noise to all variants alike and hide the difference.
"""

# ruff: noqa: ARG001 (path parameters that an endpoint does not need are what its route has)

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException
from pydantic import BaseModel

Failure = Callable[[int], Exception]
"""Makes the exception for a status code; called for each failing request, so every exception is a new object."""


class Order(BaseModel):
    """The body of the one POST route: enough to make FastAPI parse and validate something."""

    item_id: int
    quantity: int


def plain_http_error(status: int) -> Exception:
    """What an application without the module raises: FastAPI's own exception."""
    return HTTPException(status, detail="the request cannot be fulfilled")


def build_app(
    failure: Failure = plain_http_error, install: Callable[[FastAPI], object] | None = None, **options: Any
) -> FastAPI:
    """The application.

    `failure` makes what the error routes raise; `install` is called before there are routes, where our README puts
    the set-up; `options` go to `FastAPI(...)`, for telemetry that is switched on there.
    """
    app = FastAPI(**options)
    if install is not None:
        install(app)
    v1 = APIRouter(prefix="/v1")
    v1.include_router(_items(failure))
    v1.include_router(_users(failure))
    v1.include_router(_orders(failure))
    app.include_router(v1)
    return app


def _items(failure: Failure) -> APIRouter:
    router = APIRouter(prefix="/items")

    @router.get("")
    async def list_items(page: int = 0) -> dict[str, int]:
        return {"page": page, "total": 20}

    @router.get("/{item_id}")
    async def get_item(item_id: int) -> dict[str, Any]:
        return {"id": item_id, "name": "thing", "price": 1200}

    @router.get("/{item_id}/reviews")
    async def list_reviews(item_id: int) -> dict[str, Any]:
        return {"id": item_id, "reviews": ["good", "fair"]}

    @router.get("/{item_id}/reviews/{review_id}")
    async def get_review(item_id: int, review_id: int) -> dict[str, int]:
        return {"id": item_id, "review": review_id, "stars": 4}

    @router.get("/{item_id}/stock")
    async def get_stock(item_id: int) -> dict[str, int]:
        return {"id": item_id, "left": 7}

    @router.get("/{item_id}/sold-out")
    async def sold_out(item_id: int) -> dict[str, int]:
        raise failure(409)

    return router


def _users(failure: Failure) -> APIRouter:
    router = APIRouter(prefix="/users")

    @router.get("/{user_id}")
    async def get_user(user_id: int) -> dict[str, Any]:
        return {"id": user_id, "name": "someone"}

    @router.get("/{user_id}/profile")
    async def get_profile(user_id: int) -> dict[str, Any]:
        return {"id": user_id, "language": "en"}

    @router.get("/{user_id}/addresses")
    async def list_addresses(user_id: int) -> dict[str, Any]:
        return {"id": user_id, "addresses": []}

    @router.get("/{user_id}/addresses/{address_id}")
    async def get_address(user_id: int, address_id: int) -> dict[str, int]:
        return {"id": user_id, "address": address_id}

    @router.get("/{user_id}/wishlist")
    async def get_wishlist(user_id: int) -> dict[str, Any]:
        return {"id": user_id, "items": [1, 2, 3]}

    @router.delete("/{user_id}/wishlist/{item_id}", status_code=204)
    async def forget_wish(user_id: int, item_id: int) -> None:
        return None

    @router.get("/{user_id}/gone")
    async def gone(user_id: int) -> dict[str, int]:
        raise failure(404)

    return router


def _orders(failure: Failure) -> APIRouter:
    router = APIRouter(prefix="/orders")

    @router.post("", status_code=201)
    async def place_order(order: Order) -> dict[str, int]:
        return {"item_id": order.item_id, "quantity": order.quantity}

    @router.get("/{order_id}")
    async def get_order(order_id: int) -> dict[str, Any]:
        return {"id": order_id, "status": "pending"}

    @router.get("/{order_id}/lines")
    async def list_lines(order_id: int) -> dict[str, Any]:
        return {"id": order_id, "lines": [1, 2]}

    @router.get("/{order_id}/lines/{line_id}")
    async def get_line(order_id: int, line_id: int) -> dict[str, int]:
        return {"id": order_id, "line": line_id}

    @router.put("/{order_id}/cancel")
    async def cancel_order(order_id: int) -> dict[str, Any]:
        return {"id": order_id, "status": "cancelled"}

    @router.get("/{order_id}/invoice")
    async def get_invoice(order_id: int) -> dict[str, int]:
        return {"id": order_id, "total": 2400}

    @router.get("/{order_id}/forbidden")
    async def forbidden(order_id: int) -> dict[str, int]:
        raise failure(422)

    return router
