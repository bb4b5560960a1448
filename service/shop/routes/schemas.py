"""Bodies of requests and answers. Amounts are whole KRW."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator

from service.shop.checkout import Attempt, Card
from service.shop.checkout.payments import Method
from service.shop.domain.order import Outcome, Status
from service.shop.tables import Order

NUMBER = r"^[0-9]{12,19}$"
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Email = Annotated[str, Field(max_length=254, pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


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


class OrderItem(_Body):
    """How many of which product."""

    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=100_000)]


class OrderLineRead(_Read):
    """One line of an order."""

    product_id: int
    quantity: int
    price: int


class OrderRead(_Read):
    """An order. `review` is whether a person must look at it first, `outcome` what became of check and payment."""

    id: int
    status: Status
    outcome: Outcome | None
    review: bool
    total: int
    created_at: datetime
    lines: list[OrderLineRead]

    @classmethod
    def of(cls, order: Order) -> OrderRead:
        """Return what is shown of an order."""
        facts = {name: getattr(order, name) for name in ("id", "status", "outcome", "total", "created_at", "lines")}
        return cls(**facts, review=order.status == "pending" and order.outcome == "review")


class OrderList(BaseModel):
    """A page of orders; `next` is the `before` of the following page, null on the last."""

    orders: list[OrderRead]
    next: int | None


class Cart(BaseModel):
    """What somebody means to buy."""

    items: list[OrderItem]


def _writable(password: SecretStr) -> SecretStr:
    if not password.get_secret_value().isascii():
        try:
            password.get_secret_value().encode()
        except UnicodeEncodeError:
            raise ValueError("it has half a character, which no keyboard writes") from None
    return password


Password = Annotated[SecretStr, AfterValidator(_writable)]


class Registration(_Body):
    """A new account."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "kim@example.com", "password": "four words or more"}]}
    )

    email: Email
    password: Annotated[Password, Field(min_length=10, max_length=128)]
    country: Country = "KR"


class UserRead(BaseModel):
    """An account."""

    id: int
    country: str


class Credentials(_Body):
    """Who logs in."""

    email: Email
    password: Annotated[Password, Field(max_length=128)]


class SessionRead(BaseModel):
    """A login. Send the token as `Authorization: Bearer <token>`."""

    token: str
    expires_at: datetime


class PaymentBody(_Body):
    """How to pay. Card 4242 4242 4242 4242 is accepted, 4000 0000 0000 0002 declined; the bank's code is 000000.

    `device`, `country` and `card_country` are told by the client because this is a sample: a real shop learns them from
    its edge and from its issuer.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"payment_method": "card", "card_number": "4242424242424242"}]}
    )

    payment_method: Method = "card"
    card_number: Annotated[SecretStr, Field(json_schema_extra={"pattern": NUMBER})]
    instalments: Annotated[int, Field(ge=0, le=60)] = 1
    code: Annotated[str | None, Field(pattern=r"^[0-9]{6}$")] = None
    device: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{0,64}$")] = ""
    country: Country | None = None
    card_country: Country | None = None

    @field_validator("card_number")
    @classmethod
    def _digits(cls, number: SecretStr) -> SecretStr:
        if not re.fullmatch(NUMBER, number.get_secret_value()):
            raise ValueError("write 12 to 19 digits")
        return number

    def attempt(self, ip: str, home: str) -> Attempt:
        """Return how it is paid, from an address, by somebody who is at home in a country."""
        card = Card(self.payment_method, self.card_number.get_secret_value(), self.instalments)
        return Attempt(card, self.device, ip, self.country or home, self.card_country or home)


class CheckoutBody(PaymentBody):
    """What to buy, and how to pay. Without items, the cart is bought; a product named twice counts with the sum."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"product_id": 1, "quantity": 2}], "card_number": "4242424242424242"}]
        }
    )

    items: Annotated[list[OrderItem], Field(max_length=50)] = []


class Review(_Body):
    """Whether an order that was held may be paid."""

    release: bool


class FaultSwitch(_Body):
    """On or off."""

    active: bool


def quantities_of(items: list[OrderItem]) -> dict[int, int]:
    """Return how many of each product; one that is named twice counts with the sum."""
    quantities: dict[int, int] = {}
    for item in items:
        quantities[item.product_id] = quantities.get(item.product_id, 0) + item.quantity
    return quantities
