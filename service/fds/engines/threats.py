"""Threat intelligence: whether somebody has reported this address, card or device."""

from __future__ import annotations

from collections.abc import Awaitable
from ipaddress import ip_address, ip_network

from service.fds.history import Past
from service.fds.threat_lists import CATEGORIES, ThreatList
from service.fds.transaction import Transaction

from .finding import Finding


class ThreatsEngine:
    """Looks up a payment in a list; the worst entry counts.

    Args:
        threats: the list.
    """

    name, limit, weight = "threats", 0.050, 1.0
    factors = tuple(f"listed_{category}" for category in CATEGORIES)

    def __init__(self, threats: ThreatList) -> None:
        self._threats = threats

    async def look(self, transaction: Transaction, past: Awaitable[Past]) -> Finding:  # noqa: ARG002  # needs no past
        """Return the score of the worst entry that names something of the payment."""
        found = [threat for threat in await self._threats.find(keys_of(transaction)) if threat is not None]
        if not found:
            return Finding(0)
        categories = dict.fromkeys(f"listed_{threat.category}" for threat in found)
        return Finding(max(threat.score for threat in found), tuple(categories))


def keys_of(transaction: Transaction) -> list[str]:
    """Return what to look up: `kind:value`, an address also by its network (/24, or /48 of IPv6)."""
    keys = [f"card:{transaction.card}", f"device:{transaction.device}"]
    try:
        address = ip_address(transaction.ip)
    except ValueError:
        return keys
    network = ip_network((address, 24 if address.version == 4 else 48), strict=False)
    return [*keys, f"ip:{address}", f"network:{network}"]
