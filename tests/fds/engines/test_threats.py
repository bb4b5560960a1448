"""Looking up what has been reported."""

from __future__ import annotations

import asyncio

import pytest

from service.fds.engines.threats import ThreatsEngine, keys_of
from service.fds.history import Past
from service.fds.threat_lists import MemoryThreats, Threat
from tests.fds.payments import payment

LIST = {
    "device:d9": Threat("fraud_ring", 95),
    "network:203.0.113.0/24": Threat("proxy", 75),
    "ip:2001:db8::1": Threat("botnet", 90),
}


async def look(**changes: str) -> tuple[float, tuple[str, ...]]:
    """Return score and factors of a payment."""
    past: asyncio.Future[Past] = asyncio.get_running_loop().create_future()  # never known: it isn't needed
    found = await ThreatsEngine(MemoryThreats(LIST)).look(payment(**changes), past)
    return found.score, found.factors


async def test_what_is_not_listed_has_no_points() -> None:
    """The list says nothing about it."""
    assert await look() == (0, ())


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"device": "d9"}, (95, ("listed_fraud_ring",))),
        ({"ip": "203.0.113.200"}, (75, ("listed_proxy",))),
        ({"ip": "2001:0db8:0000::0001"}, (90, ("listed_botnet",))),
        ({"ip": "203.0.113.1", "device": "d9"}, (95, ("listed_fraud_ring", "listed_proxy"))),
    ],
)
async def test_the_worst_entry_counts(changes: dict[str, str], found: tuple[float, tuple[str, ...]]) -> None:
    """And each category is named."""
    assert await look(**changes) == found


def test_an_address_that_is_none_is_not_looked_up() -> None:
    """As of a client on a socket file."""
    assert keys_of(payment(ip="unix")) == ["card:c1", "device:d1"]


def test_addresses_are_looked_up_with_their_network() -> None:
    """/24 of IPv4, /48 of IPv6."""
    assert keys_of(payment(ip="203.0.113.7"))[3] == "network:203.0.113.0/24"
    assert keys_of(payment(ip="2001:db8:1:2::3"))[3] == "network:2001:db8:1::/48"
