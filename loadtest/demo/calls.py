"""Requests to one of the two services: each waits for its turn, and is counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from .pace import Pace
from .tally import Tally

PATIENCE = 10.0
"""Seconds until an answer counts as none."""


class Away(Exception):
    """Nobody answered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `body` is empty where it was no object."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def order_id(self) -> int | None:
        """The order that an answer tells of, an error's detail included."""
        detail = self.body.get("detail")
        found = detail.get("order_id") if isinstance(detail, dict) else None
        return found if self.status >= 400 else self.body.get("id")


class Calls:
    """Sends requests to a service.

    Args:
        name: of the service, to tell of it.
        base: its address.
        pace: gives the turns.
        tally: counts.
        key: sent as `X-API-Key` where one is asked for.
    """

    def __init__(self, name: str, base: str, pace: Pace, tally: Tally, key: str | None) -> None:
        self.name = name
        self.key = key
        self._pace = pace
        self._tally = tally
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)  # the pace is the limit
        self._client = httpx.AsyncClient(base_url=base, timeout=PATIENCE, limits=limits, trust_env=False)

    async def ask(self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> Answer:
        """Send a request when it is its turn; header names are written with `_`.

        Raises:
            Away: nobody answered.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        await self._pace.turn()
        self._pace.in_flight += 1
        try:
            response = await self._client.request(method, path, json=body, headers=sent)
        except httpx.HTTPError as problem:
            self._tally.note_silence(self.name, problem)
            raise Away from None
        finally:
            self._pace.in_flight -= 1
        answer = Answer(response.status_code, _object(response))
        self._tally.note_answer(self.name, answer.status, answer.body.get("error_code"))
        return answer

    async def ask_as_partner(self, path: str, body: Any = None) -> Answer:
        """Post something with the key."""
        return await self.ask("POST", path, body, X_API_Key=self.key or "")

    async def look(self, path: str) -> str:
        """Return a page outside the schedule, empty where there is none; it counts as no request."""
        try:
            response = await self._client.get(path, timeout=2.0)
        except httpx.HTTPError:
            return ""
        self._tally.note_reached(self.name)
        return response.text if response.is_success else ""

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
