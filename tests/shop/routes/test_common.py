"""What routes know of a request."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from service.shop.routes.common import address_of

NOWHERE = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("203.0.113.9", 1), "203.0.113.9"),
        (("2001:db8::1", 1), "2001:db8::1"),
        (("unknown", 1), NOWHERE),
        (("_hidden", 1), NOWHERE),
        (None, NOWHERE),
    ],
)
def test_an_address_is_always_one(client: tuple[str, int] | None, address: str) -> None:
    """Proxies may write something else; the fraud check would refuse that, and the order be held."""
    assert address_of(Request({"type": "http", "client": client})) == address
