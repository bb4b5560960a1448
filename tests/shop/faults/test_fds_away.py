"""Selling while the fraud service comes and goes: the two are processes of their own and talk HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from uuid import uuid4

import pytest

from service.database import make_engine
from service.resources import Resources
from service.shop import PaymentFacts, make_fraud_client
from tests.asgi import request
from tests.remote import Remote
from tests.servers import free_port, launch
from tests.shop.clients import GOOD_CARD, PARTNER
from tests.tcp_proxy import proxy_to

from .fraud_service import (
    KEY,
    Fraud,
    Stack,
    failing,
    killed,
    stopped,
    talking_nonsense,
    two_seconds_late,
    with_another_key,
)
from .metrics import moved, scraped

UNAVAILABLE = 'ecommerce_fds_evaluations_total{result="unavailable"}'
OPEN = 'circuit_breaker_state{peer="fds",state="open"}'
CLOSED = 'circuit_breaker_state{peer="fds",state="closed"}'


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both services, with a network between them that can be made slow."""
    folder = tmp_path_factory.mktemp("shop")
    fraud = Fraud(tmp_path_factory.mktemp("fds"))
    with proxy_to(fraud.port) as network:
        where = {"FDS_URL": f"http://127.0.0.1:{network.port}", "FDS_KEY": KEY}
        port = free_port()
        shop = launch(folder, port, SERVICE_APP="shop", API_KEYS=f"carrier:{PARTNER['X-API-Key']}", **where)
        yield Stack(f"http://127.0.0.1:{port}", folder, fraud, network)
        shop.kill()
        shop.wait(10)
    fraud.kill()


@pytest.fixture
async def well(stack: Stack) -> Stack:
    """Both, on good terms."""
    await stack.recovered()
    return stack


async def test_each_decision_has_its_answer(well: Stack) -> None:
    """Approved is paid, blocked is refused, a doubtful payment asks for the bank's code, one that is held waits."""
    before = await scraped(well.shop)
    who = await well.buyer()
    assert (await who.check_out((2, 1), device=uuid4().hex)).status == 201
    blocked = await who.check_out((2, 1), device="stolen-phone")
    assert (blocked.status, blocked.json()["error_code"]) == (403, 603)
    doubtful = await (other := await well.buyer()).check_out((2, 1), device=uuid4().hex, card_country="US")
    assert (doubtful.status, doubtful.json()["outcome"]) == (202, "additional_auth")
    paid = await other.ask(
        "POST", f"/v1/orders/{doubtful.json()['id']}/pay", {"card_number": GOOD_CARD, "code": "000000"}
    )
    assert (paid.status, paid.json()["status"]) == (200, "processing")
    fraud = Remote(f"http://127.0.0.1:{well.fraud.port}")
    for error in (True, False):
        for engine in ("rules", "model", "threats"):
            await request(fraud, f"/v1/engines/{engine}/fault", "PUT", json_body={"error": error})
        if error:
            held = await (await well.buyer()).check_out((2, 1), device=uuid4().hex)
    assert (held.status, held.json()["status"], held.json()["review"]) == (202, "pending", True)
    grown = await moved(well.shop, before)
    for result in ("approve", "block", "additional_auth", "hold"):
        assert grown[f'ecommerce_fds_evaluations_total{{result="{result}"}}'] == 1
    assert UNAVAILABLE not in grown
    await well.audit()


@pytest.mark.parametrize(
    "fault", [killed, stopped, two_seconds_late, failing, talking_nonsense, with_another_key], ids=lambda f: f.__name__
)
async def test_without_a_verdict_orders_wait_for_a_person(
    well: Stack, fault: Callable[[Stack], AbstractAsyncContextManager[str]]
) -> None:
    """202, pending, review: true. The breaker opens, so that nobody waits for long; then all goes on by itself.

    A service that refuses is there: it is asked about each payment, once.
    """
    asked, state = (4, CLOSED) if fault is with_another_key else (5, OPEN)
    buyers = [await well.buyer() for _ in range(4)]
    before = await scraped(well.shop)
    async with fault(well) as status:
        async with asyncio.timeout(8):
            results = [await who.check_out((2, 1), device=uuid4().hex) for who in buyers]
        for result in results:
            assert result.status == 202, result.text
            assert (result.json()["status"], result.json()["review"]) == ("pending", True)
        grown = await moved(well.shop, before)
        assert grown[UNAVAILABLE] == 4
        assert grown[f'http_client_requests_total{{method="POST",peer="fds",status_code="{status}"}}'] == asked
        assert grown['fastapi_errors_total{error_code="606",error_domain="PAYMENT",status_code="503"}'] == 4
        assert grown['ecommerce_transactions_total{status="review"}'] == 4
        assert "ecommerce_payment_amount_total" not in grown
        assert (await scraped(well.shop))[state] == 1
    order = results[0].json()["id"]
    released = await buyers[0].ask("POST", f"/v1/orders/{order}/review", {"release": True}, **PARTNER)
    assert released.json()["review"] is False
    paid = await buyers[0].ask("POST", f"/v1/orders/{order}/pay", {"card_number": GOOD_CARD})
    assert (paid.status, paid.json()["status"]) == (200, "processing")
    await well.recovered()
    assert (await scraped(well.shop))[CLOSED] == 1
    await well.audit()


async def test_a_tenth_of_a_second_more_still_ends_in_a_verdict(well: Stack) -> None:
    """The time limit has room for it; the histogram shows it."""
    before = await scraped(well.shop)
    who = await well.buyer()
    with well.network.slow(0.1):
        assert (await who.check_out((2, 1), device=uuid4().hex)).status == 201
    grown = await moved(well.shop, before)
    assert grown['ecommerce_fds_evaluations_total{result="approve"}'] == 1
    assert grown["ecommerce_fds_evaluation_duration_seconds_sum"] > 0.1
    assert UNAVAILABLE not in grown


async def test_a_fraud_service_that_restarts_during_checkouts_costs_no_order(well: Stack) -> None:
    """Sixteen buyers at once are all answered: each order is paid, or pending and, once released, payable, once."""
    buyers = [await well.buyer() for _ in range(16)]
    running = [asyncio.create_task(who.check_out((2, 1), key="k", device=uuid4().hex)) for who in buyers]
    await asyncio.sleep(0.05)
    await asyncio.to_thread(well.fraud.kill)
    results = await asyncio.gather(*running)
    await asyncio.to_thread(well.fraud.start)
    assert {result.status for result in results} <= {201, 202}
    for who, result in zip(buyers, results, strict=True):
        assert (await who.check_out((2, 1), key="k", device="d")).json()["id"] == result.json()["id"]
        (order,) = (await who.ask("GET", "/v1/orders")).json()["orders"]
        assert (order["status"], order["review"]) == (
            ("processing", False) if result.status == 201 else ("pending", True)
        )
        if order["review"]:
            await who.ask("POST", f"/v1/orders/{order['id']}/review", {"release": True}, **PARTNER)
            assert (await who.ask("POST", f"/v1/orders/{order['id']}/pay", {"card_number": GOOD_CARD})).status == 200
    await well.recovered()
    await well.audit()


async def test_more_questions_than_connections_to_a_hanging_fraud_service_are_all_given_up(well: Stack) -> None:
    """Who finds no free connection waits no longer than the others; when it goes on, so does the client."""
    engine = make_engine(well.database_url)
    asking = make_fraud_client(f"http://127.0.0.1:{well.fraud.port}", KEY, Resources(engine), lambda _: None)
    facts = PaymentFacts("order-0", "full", 48_000, "card", "c1", "d1", "198.18.0.1", "KR", "KR", 3.5)
    async with asking.watching():
        async with stopped(well), asyncio.timeout(20):
            verdicts = await asyncio.gather(*(asking.evaluate(facts) for _ in range(250)))
        assert {verdict.decision for verdict in verdicts} == {"unavailable"}
        for _ in range(60):
            await asyncio.sleep(0.25)
            if (verdict := await asking.evaluate(facts)).decision != "unavailable":
                break
        assert verdict.decision != "unavailable"
    await engine.dispose()
