"""What somebody means to buy."""

from __future__ import annotations

from fastapi import APIRouter

from service.shop.record import record_action

from .common import LoggedIn, ProductId, TheShop, problems
from .schemas import Cart, OrderItem

router = APIRouter(prefix="/v1/cart", tags=["cart"], responses=problems(401, 422))


@router.get("/items")
async def get_cart(shop: TheShop, login: LoggedIn) -> Cart:
    """Return the cart."""
    items = await shop.cart.items(login.user_id)
    return Cart(items=[OrderItem(product_id=product, quantity=quantity) for product, quantity in items.items()])


@router.put("/items", responses=problems(404))
async def put_item(shop: TheShop, login: LoggedIn, item: OrderItem) -> Cart:
    """Put so many of a product into the cart, instead of what was in it of that product."""
    await shop.cart.put(login.user_id, item.product_id, item.quantity)
    record_action("cart")
    return await get_cart(shop, login)


@router.delete("/items/{product_id}")
async def remove_item(shop: TheShop, login: LoggedIn, product_id: ProductId) -> Cart:
    """Take a product out of the cart."""
    await shop.cart.remove(login.user_id, product_id)
    record_action("cart")
    return await get_cart(shop, login)
