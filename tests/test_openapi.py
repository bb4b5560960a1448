"""The OpenAPI documents of both services, held against them by generated requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case

from tests.servers import serving

KEY = "0123456789abcdef"
ORDERS, CARD = 10, "4242424242424242"
BUYERS = ("kim", "lee", "park", "choi", "jung")
OF_OTHERS = ("POST /v1/orders/{order_id}/pay", "POST /v1/orders/{order_id}/review")
"""What needs an order that the fraud check has stopped."""
EXAMPLES = settings(
    max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Both services, each as a process of its own: their addresses."""
    keys = {"API_KEYS": f"shop:{KEY}", "FAULTS_ENABLED": "true", "LOG_LEVEL": "error"}
    with (
        serving(tmp_path_factory.mktemp("fds"), SERVICE_APP="fds", **keys) as (fds, _),
        serving(tmp_path_factory.mktemp("shop"), SERVICE_APP="shop", FDS_URL=fds, FDS_KEY=KEY, **keys) as (shop, _),
    ):
        yield {"shop": shop, "fds": fds}


def log_in(base: str, name: str = "kim") -> str:
    """Return the header of somebody who is logged in."""
    who = {"email": f"{name}@example.com", "password": "four words or more"}
    httpx.post(f"{base}/v1/users", json=who, trust_env=False)
    token: str = httpx.post(f"{base}/v1/sessions", json=who, trust_env=False).raise_for_status().json()["token"]
    return f"Bearer {token}"


def order(base: str) -> None:
    """Have some people buy, so that generated ids lead somewhere; two orders each, or it would look like fraud."""
    body = {"items": [{"product_id": 6, "quantity": 1}], "card_number": CARD}
    for number in range(ORDERS):
        headers = {"Authorization": log_in(base, BUYERS[number // 2]), "Idempotency-Key": f"k{number}"}
        answer = httpx.post(f"{base}/v1/checkout", json=body, headers=headers, trust_env=False)
        assert answer.status_code == 201, answer.text


def aimed(case: Case) -> Case:
    """Return a case of which every second id is one that there is; generated ones hardly ever are."""
    for name, value in (case.path_parameters or {}).items():
        if name in ("order_id", "product_id") and isinstance(value, int) and value % 2:
            case.path_parameters[name] = 1 + value // 2 % ORDERS
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = uuid4().hex  # the same one for another checkout is refused with 422
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("items"), list) and body["items"]:
        items = [{"product_id": 6, "quantity": 1 + item["quantity"] % 3} for item in body["items"]]
        case.body = {**body, "items": items, "card_number": CARD, "instalments": 1}
    return case


def try_all(base: str, headers: dict[str, str], leaving: str = "") -> dict[str, set[int]]:
    """Send generated requests to every operation, and return the statuses of the answers.

    Raises:
        Exception: an answer is a 500, or not what the document promises.
    """
    seen = {}
    for found in schemathesis.openapi.from_url(f"{base}/openapi.json").get_all_operations():
        operation: Any = found.ok()
        name = f"{operation.method.upper()} {operation.path}"
        login = {"Authorization": leaving} if name == "DELETE /v1/sessions" else {}
        seen[name] = try_one(operation, headers | login)
    return seen


def try_one(operation: Any, headers: dict[str, str]) -> set[int]:
    """Send generated requests to one operation, and return the statuses of the answers."""
    statuses = set()

    @EXAMPLES
    @given(case=operation.as_strategy())
    def check(case: Case) -> None:
        statuses.add(aimed(case).call_and_validate(headers=headers).status_code)

    check()
    return statuses


@pytest.mark.filterwarnings("ignore")  # schemathesis' own
def test_no_generated_request_breaks_the_shop(services: dict[str, str]) -> None:
    """From somebody who is logged in and has a partner's key: they come further than the door."""
    base = services["shop"]
    login, leaving = log_in(base), log_in(base)
    order(base)
    seen = try_all(base, {"Authorization": login, "X-API-Key": KEY}, leaving)
    assert len(seen) >= 25
    never = {name for name, statuses in seen.items() if name.startswith("P") and min(statuses) >= 400}
    assert never <= {"POST /v1/sessions", "PUT /v1/faults/{name}", "POST /v1/orders/{order_id}/deliver", *OF_OTHERS}


@pytest.mark.filterwarnings("ignore")
def test_no_generated_request_breaks_fraud_detection(services: dict[str, str]) -> None:
    """With its key, and without."""
    seen = try_all(services["fds"], {"X-API-Key": KEY})
    assert 200 in seen["POST /v1/evaluate"]
    assert len(seen) >= 15
    assert 401 in try_all(services["fds"], {})["POST /v1/evaluate"]
