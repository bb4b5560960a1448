"""The shop's routes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request

from service.database import Session

from . import orders, payments
from .faults import KNOWN, Faults
from .schemas import (
    FaultSwitch,
    OrderRead,
    OrderRequest,
    PaymentRead,
    PaymentRequest,
    Problem,
    ProductList,
    ProductRead,
)

MAX_ID = 2**31 - 1
ProductId = Annotated[int, Path(ge=1, le=MAX_ID)]
OrderId = Annotated[int, Path(ge=1, le=MAX_ID)]
Responses = dict[int | str, dict[str, Any]]

router = APIRouter(prefix="/v1", responses={422: {"model": Problem}})
fault_router = APIRouter(prefix="/v1/faults", tags=["fault switches"])


def problems(*statuses: int) -> Responses:
    """Document error answers."""
    return {status: {"model": Problem} for status in statuses}


def faults_of(request: Request) -> Faults:
    """Return the fault switches of the application."""
    faults: Faults = request.app.state.faults
    return faults


FaultsOfApp = Annotated[Faults, Depends(faults_of)]


@router.get("/products", tags=["products"])
async def list_products(
    session: Session,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
) -> ProductList:
    """Return products in order of their id, a page at a time."""
    found = await orders.list_products(session, limit, after)
    products = [ProductRead.model_validate(product) for product in found]
    return ProductList(products=products, next=products[-1].id if len(products) == limit else None)


@router.get("/products/{product_id}", tags=["products"], responses=problems(404))
async def get_product(session: Session, product_id: ProductId) -> ProductRead:
    """Return one product."""
    return ProductRead.model_validate(await orders.find_product(session, product_id))


@router.post("/orders", status_code=201, tags=["orders"], responses=problems(404, 409))
async def place_order(session: Session, order: OrderRequest) -> OrderRead:
    """Take the items from stock, all or none, and open an order."""
    quantities: dict[int, int] = {}
    for item in order.items:
        quantities[item.product_id] = quantities.get(item.product_id, 0) + item.quantity
    return OrderRead.model_validate(await orders.place_order(session, quantities))


@router.get("/orders/{order_id}", tags=["orders"], responses=problems(404))
async def get_order(session: Session, order_id: OrderId) -> OrderRead:
    """Return one order."""
    return OrderRead.model_validate(await orders.find_order(session, order_id))


@router.post("/orders/{order_id}/pay", tags=["orders"], responses=problems(402, 404, 409))
async def pay_order(session: Session, order_id: OrderId, payment: PaymentRequest, faults: FaultsOfApp) -> PaymentRead:
    """Charge a card for an order."""
    paid, monthly = await payments.pay(session, order_id, payment.card_number, payment.instalments, faults)
    return PaymentRead(
        order_id=paid.order_id,
        amount=paid.amount,
        method=paid.method,
        last_four=paid.last_four,
        instalments=paid.instalments,
        monthly=monthly,
    )


@fault_router.get("")
async def list_faults(faults: FaultsOfApp) -> dict[str, bool]:
    """Return the fault switches."""
    return faults.states()


@fault_router.put("/{name}", responses=problems(404))
async def switch_fault(name: str, switch: FaultSwitch, faults: FaultsOfApp) -> dict[str, bool]:
    """Turn a fault on or off."""
    if name not in KNOWN:
        raise HTTPException(404, f"there is no fault {name!r}; there are {', '.join(KNOWN)}")
    faults.switch(name, switch.active)
    return faults.states()
