"""What is for sale."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from service.shop.record import record_action

from .common import MAX_ID, ProductId, TheShop, problems
from .schemas import ProductList, ProductRead

router = APIRouter(prefix="/v1/products", tags=["products"], responses=problems(422))


@router.get("")
async def list_products(
    shop: TheShop,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
) -> ProductList:
    """Return products in order of their id, a page at a time."""
    record_action("browse")
    products = [ProductRead.model_validate(product) for product in await shop.catalogue.page(limit, after)]
    return ProductList(products=products, next=products[-1].id if len(products) == limit else None)


@router.get("/{product_id}", responses=problems(404))
async def get_product(shop: TheShop, product_id: ProductId) -> ProductRead:
    """Return one product; its stock may be ten seconds old."""
    record_action("browse")
    return ProductRead.model_validate(await shop.catalogue.find(product_id))
