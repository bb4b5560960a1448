"""Bodies of requests and answers. Amounts are whole KRW."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[int, Field(ge=1, le=2**31 - 1)]


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ProductRead(_Read):
    """A product."""

    id: int
    name: str
    price: int
    stock: int


class ProductList(BaseModel):
    """A page of products; `next` is the `after` of the following page, null on the last."""

    products: list[ProductRead]
    next: int | None


class OrderItem(BaseModel):
    """How many of which product."""

    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class OrderRequest(BaseModel):
    """What to order; a product that is named twice counts with the sum."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [{"product_id": 1, "quantity": 2}]}]})

    items: Annotated[list[OrderItem], Field(min_length=1, max_length=50)]


class OrderLineRead(_Read):
    """One line of an order."""

    product_id: int
    quantity: int
    price: int


class OrderRead(_Read):
    """An order."""

    id: int
    status: str
    total: int
    created_at: datetime
    lines: list[OrderLineRead]


class PaymentRequest(BaseModel):
    """A card to charge. 4242 4242 4242 4242 is accepted, 4000 0000 0000 0002 declined."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"method": "card", "card_number": "4242424242424242", "instalments": 1}]}
    )

    method: Literal["card"] = "card"
    card_number: Annotated[str, Field(pattern=r"^[0-9]{12,19}$")]
    instalments: Annotated[int, Field(ge=0, le=60)] = 1


class PaymentRead(_Read):
    """A settled payment."""

    order_id: int
    amount: int
    method: str
    last_four: str
    instalments: int
    monthly: int


class FaultSwitch(BaseModel):
    """On or off."""

    active: bool


class Problem(BaseModel):
    """The body of every error answer."""

    error_code: int
    message: str
    detail: object = None
    timestamp: datetime
    error_name: str
    request_id: str | None
    trace_id: str | None
