"""The fraud service over HTTP: with a time limit, few retries, and a breaker for when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import httpx

from service.resources import Resources
from service.shop.domain.fraud import UNAVAILABLE, FraudCheck, PaymentFacts, Verdict
from service.shop.errors import FraudCheckFailed
from service.telemetry.circuit_breaker import CircuitBreaker, CircuitOpen
from service.telemetry.clients import ClientMetrics, make_client
from service.telemetry.logs import get_logger
from service.telemetry.retry_budget import RetryBudget

LIMIT = 0.25
"""Seconds for each of two tries: twice what a decision may take, and something for the network."""
KNOWN = frozenset(("approve", "additional_auth", "hold", "block"))
PASSING = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS)
logger = get_logger(__name__)


class _Refused(Exception):
    """It answers, but not this, and would not the second time: the key is wrong, or the facts are."""


class HTTPFraudCheck(FraudCheck):
    """Asks `POST /v1/evaluate`. Asking twice about a payment is harmless, so a failed call is tried once more.

    Args:
        client: of the fraud service.
        breaker: keeps from asking it while it is away.
        budget: how many retries there may be.
        record: counts that there was no verdict: nobody is answered with it.
        limit: seconds for each try.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        breaker: CircuitBreaker,
        budget: RetryBudget,
        record: Callable[[BaseException], None],
        limit: float = LIMIT,
    ) -> None:
        self._client = client
        self._breaker = breaker
        self._budget = budget
        self._record = record
        self._limit = limit

    async def evaluate(self, facts: PaymentFacts) -> Verdict:
        """Return the verdict, `UNAVAILABLE` when there is none in time."""
        self._budget.earn()
        try:
            try:
                return await self._ask(facts)
            except (CircuitOpen, _Refused):
                raise
            except Exception:
                if not self._budget.spend():
                    raise
                return await self._ask(facts)
        except Exception as problem:  # noqa: BLE001  # an answer may be wrong in any way, and the order must not be lost
            return self._without(facts, problem)

    def _without(self, facts: PaymentFacts, problem: Exception) -> Verdict:
        """Note that there is no verdict, and why."""
        reason = str(problem) if isinstance(problem, _Refused) else type(problem).__name__
        logger.warning("the fraud service gave no verdict", problem=reason)
        failed = FraudCheckFailed(detail={"transaction_id": facts.transaction_id, "problem": reason})
        failed.__cause__ = problem
        self._record(failed)
        return UNAVAILABLE

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Close the connections at the end of the block."""
        async with self._client:
            yield

    async def _ask(self, facts: PaymentFacts) -> Verdict:
        with self._breaker.guarding():  # around the limit: a service that hangs is one that fails
            async with asyncio.timeout(self._limit):
                answer = await self._client.post("/v1/evaluate", json=asdict(facts))
            if not answer.is_client_error or answer.status_code in PASSING:
                answer.raise_for_status()
                return _verdict(answer.json())
        raise _Refused(f"it answered {answer.status_code}")


def _verdict(found: Any) -> Verdict:
    """Return what an answer says.

    Raises:
        ValueError: it is not one that the fraud service gives.
    """
    if not isinstance(found, dict) or found.get("decision") not in KNOWN:
        raise ValueError("the fraud service's answer has no decision")
    return Verdict(found["decision"], int(found.get("risk_score", 0)), tuple(map(str, found.get("factors", ()))))


def make_fraud_client(
    url: str, key: str | None, resources: Resources, record: Callable[[BaseException], None]
) -> HTTPFraudCheck:
    """Return a client of the fraud service at `url`, counted and traced, that shows it this key."""
    metrics = ClientMetrics(resources.registry) if resources.registry is not None else None
    client = make_client("fds", url, LIMIT, metrics=metrics, spans=resources.spans)
    if key is not None:
        client.headers["X-API-Key"] = key
    return HTTPFraudCheck(client, CircuitBreaker("fds", resources.breakers), RetryBudget(), record)
