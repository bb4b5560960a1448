"""Asking the fraud service over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest

from service.shop.domain.fraud import UNAVAILABLE, PaymentFacts, Verdict
from service.shop.errors import FraudCheckFailed
from service.shop.fraud import HTTPFraudCheck
from service.telemetry.circuit_breaker import CircuitBreaker
from service.telemetry.retry_budget import RetryBudget

FACTS = PaymentFacts("order-1", "1", 48_000, "card", "c1", "d1", "198.18.0.1", "KR", "KR", 3.5)
GOOD = {"decision": "hold", "risk_score": 70, "factors": ["new_device"], "mood": "bad"}
Answers = Callable[[httpx.Request], Awaitable[httpx.Response]]


def check(
    answers: Answers,
    limit: float = 5.0,
    breaker: CircuitBreaker | None = None,
    record: Callable[[BaseException], None] = lambda _: None,
) -> HTTPFraudCheck:
    """Return a client whose service answers so."""
    client = httpx.AsyncClient(transport=httpx.MockTransport(answers), base_url="http://fds:8001")
    return HTTPFraudCheck(client, breaker or CircuitBreaker("fds"), RetryBudget(), record, limit)


def always(status: int, body: object) -> Answers:
    """Answer everything alike."""
    return always_sent(json.dumps(body).encode(), status)


def always_sent(body: bytes, status: int = 200) -> Answers:
    """Answer everything with these bytes."""

    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body)

    return answer


async def test_facts_go_and_the_verdict_comes() -> None:
    """Fields that are not known yet don't matter."""
    asked: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=GOOD)

    assert await check(answer).evaluate(FACTS) == Verdict("hold", 70, ("new_device",))
    assert (asked[0].method, asked[0].url.path) == ("POST", "/v1/evaluate")
    assert json.loads(asked[0].content)["transaction_id"] == "order-1"


@pytest.mark.parametrize(
    "answers",
    [
        always(500, {}),
        always(422, {}),
        always(200, []),
        always(200, {"decision": "maybe"}),
        always(200, {}),
        always(200, {"decision": ["approve"]}),
        always(200, {"decision": "approve", "risk_score": None}),
        always(200, {"decision": "approve", "factors": 5}),
        always_sent(b'{"decision": "approve", "risk_score": 1e999}'),
        always_sent(b"[" * 100_000),
        always_sent(b"\xff"),
    ],
    ids=[
        "broken",
        "refused",
        "a list",
        "another decision",
        "none",
        "several decisions",
        "no score",
        "no factors",
        "an endless score",
        "an abyss",
        "no text",
    ],
)
async def test_an_answer_that_is_none_is_no_verdict(answers: Answers) -> None:
    """The order is reviewed by a person."""
    assert await check(answers).evaluate(FACTS) == UNAVAILABLE


async def test_that_there_was_no_verdict_is_recorded_with_its_reason() -> None:
    """Once for each payment; a verdict records nothing."""
    recorded: list[BaseException] = []
    await check(always(500, {}), record=recorded.append).evaluate(FACTS)
    await check(always(200, GOOD), record=recorded.append).evaluate(FACTS)
    (failed,) = recorded
    assert isinstance(failed, FraudCheckFailed)
    assert failed.detail == {"transaction_id": "order-1", "problem": "HTTPStatusError"}
    assert isinstance(failed.__cause__, httpx.HTTPStatusError)


async def test_a_call_that_failed_is_tried_once_more() -> None:
    """Asking twice about a payment is harmless."""
    tries = 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json=GOOD)

    assert (await check(answer).evaluate(FACTS)).decision == "hold"
    assert tries == 2


@pytest.mark.parametrize("status", [401, 422])
async def test_a_service_that_refuses_is_there(status: int) -> None:
    """It is not asked the same again, and the breaker stays closed."""
    asked: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json={})

    breaker = CircuitBreaker("fds")
    asking = check(answer, breaker=breaker)
    for _ in range(10):
        assert await asking.evaluate(FACTS) == UNAVAILABLE
    assert (len(asked), breaker.state) == (10, "closed")


async def test_a_service_that_asks_to_wait_is_tried_once_more() -> None:
    """That it has too much to do is no refusal."""
    tries = 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        return httpx.Response(429 if tries == 1 else 200, json=GOOD)

    assert (await check(answer).evaluate(FACTS)).decision == "hold"


async def test_retries_are_few() -> None:
    """A service that fails every call gets a tenth more of them, once ten are spent."""
    tries = 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        return httpx.Response(503)

    asking = check(answer, breaker=CircuitBreaker("fds", failures=10_000))
    for _ in range(100):
        await asking.evaluate(FACTS)
    assert 110 <= tries <= 122


async def test_a_service_that_hangs_is_given_up() -> None:
    """The buyer does not wait for it, and after five tries the next one not at all."""
    tries = 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        await asyncio.sleep(3600)
        raise AssertionError

    asking = check(answer, limit=0.02)
    for _ in range(10):
        assert await asking.evaluate(FACTS) == UNAVAILABLE
    assert tries == 5


async def test_a_service_that_is_away_is_not_asked_each_time() -> None:
    """After five failures the breaker is open, and every answer is quick."""
    tries = 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        raise httpx.ConnectError("refused")

    asking = check(answer)
    for _ in range(20):
        assert await asking.evaluate(FACTS) == UNAVAILABLE
    assert tries == 5
