"""Asking for a decision, telling what a payment was, and everything that can go wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from service.app import create_app
from service.settings import Settings
from tests.asgi import Result, request


async def evaluate(app: FastAPI, transaction_id: str = "t1", **changes: Any) -> Result:
    """Ask about an ordinary payment, with changes."""
    facts = {
        "transaction_id": transaction_id,
        "user_id": "u1",
        "amount": 30_000,
        "card": "c1",
        "device": "d1",
        "ip": "198.18.0.1",
        "country": "KR",
        "card_country": "KR",
        "account_age_days": 365,
    }
    return await request(app, "/v1/evaluate", "POST", json_body={**facts, **changes})


async def feedback(app: FastAPI, transaction_id: str, fraud: bool) -> Result:
    """Tell what a payment was."""
    return await request(app, "/v1/feedback", "POST", json_body={"transaction_id": transaction_id, "fraud": fraud})


async def sample(app: FastAPI, name: str) -> float:
    """Return a sample of the scrape."""
    text = (await request(app, "/metrics")).text
    return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(f"{name} "))


@pytest.mark.parametrize("path", ["/v1/evaluate", "/v1/feedback"])
async def test_where_there_are_keys_nobody_asks_or_teaches_without_one(path: str, tmp_path: Path) -> None:
    """Who shows a known one gets as far as the facts."""
    app = create_app(
        Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db", api_keys={"shop": "0123456789abcdef"})
    )
    shown = [
        await request(app, path, "POST", json_body={}, headers={"X-API-Key": key})
        for key in ("", "no", "0123456789abcdef")
    ]
    assert [(found.status, found.json()["error_code"]) for found in shown[:2]] == [(401, 204)] * 2
    assert shown[2].status == 422


async def test_outside_development_the_routes_are_shut_without_keys(tmp_path: Path) -> None:
    """Forgetting to set them opens nothing."""
    app = create_app(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db", environment="staging"))
    assert (await request(app, "/v1/feedback", "POST", json_body={})).status == 401


async def test_an_ordinary_payment_is_approved(app: FastAPI) -> None:
    """And each engine is named with what it found."""
    found = (await evaluate(app)).json()
    assert (found["risk_level"], found["decision"], found["missing"]) == ("low", "approve", [])
    assert [engine["engine"] for engine in found["engines"]] == ["rules", "model", "threats"]
    assert all(engine["state"] == "ok" for engine in found["engines"])


async def test_a_reported_device_is_blocked(app: FastAPI) -> None:
    """The answer says why."""
    found = (await evaluate(app, device="stolen-phone")).json()
    assert (found["risk_score"] >= 95, found["decision"]) == (True, "block")
    assert "listed_fraud_ring" in found["factors"]


async def test_habits_are_learnt_from_payments_that_go_through(app: FastAPI) -> None:
    """A payment far above them asks for a second factor."""
    for number in range(6):
        assert (await evaluate(app, f"t{number}")).json()["decision"] == "approve"
        app.state.fraud_detection._history._users["u1"].attempts.clear()  # as if hours had passed
    found = (await evaluate(app, "t9", amount=2_000_000, device="d9")).json()
    assert {"amount_above_habit", "new_device"} <= set(found["factors"])
    assert found["decision"] != "approve"


async def test_feedback_moves_precision_and_recall(app: FastAPI) -> None:
    """Once for each payment, from no figure to a real one."""
    await evaluate(app, "good")
    await evaluate(app, "bad", device="stolen-phone")
    await evaluate(app, "unlucky", card="lost-card")
    await evaluate(app, "missed")
    assert await sample(app, "fds_precision") != await sample(app, "fds_precision")  # not a number yet
    for transaction_id, fraud in (("good", False), ("bad", True), ("unlucky", False), ("missed", True)):
        assert (await feedback(app, transaction_id, fraud)).json()["counted"]
    assert [await sample(app, f"fds_{name}") for name in ("precision", "recall", "f1_score")] == [0.5, 0.5, 0.5]
    assert not (await feedback(app, "bad", True)).json()["counted"]
    assert await sample(app, "fds_true_positives_total") == 1


async def test_feedback_that_contradicts_itself_is_refused(app: FastAPI) -> None:
    """With what was told first."""
    await evaluate(app, "t1")
    await feedback(app, "t1", False)
    result = await feedback(app, "t1", True)
    assert (result.status, result.json()["error_code"], result.json()["detail"]["fraud"]) == (409, 701, False)


async def test_feedback_about_an_unknown_payment_is_refused(app: FastAPI) -> None:
    """It was never judged here."""
    result = await feedback(app, "never", True)
    assert (result.status, result.json()["error_code"]) == (404, 351)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": -5},
        {"amount": 1.5},
        {"country": "Korea"},
        {"ip": "somewhere"},
        {"device": "'; DROP TABLE fraud_decisions; --"},
        {"card": "x" * 65},
        {"account_age_days": -1},
        {"payment_method": "CARD!"},
        {"user_id": ""},
        {"mood": "good"},
    ],
)
async def test_a_payment_that_is_none_is_refused(app: FastAPI, changes: dict[str, Any]) -> None:
    """The answer names the field."""
    result = await evaluate(app, **changes)
    assert (result.status, result.json()["error_code"]) == (422, 499)
    assert next(iter(changes)) in result.text


@pytest.mark.parametrize(
    ("fault", "state", "code"), [({"error": True}, "failed", "702"), ({"latency_ms": 500}, "late", "703")]
)
async def test_a_fault_in_an_engine_costs_its_finding_only(
    app: FastAPI, fault: dict[str, Any], state: str, code: str
) -> None:
    """The decision is made without it, names it, and the error is counted."""
    switched = await request(app, "/v1/engines/threats/fault", "PUT", json_body=fault)
    assert switched.status == 200
    found = (await evaluate(app, device="stolen-phone")).json()
    assert (found["decision"], found["missing"]) == ("approve", ["threats"])
    assert found["engines"][2]["state"] == state
    assert found["duration_ms"] < 400
    text = (await request(app, "/metrics")).text
    assert f'fastapi_errors_total{{error_code="{code}"' in text
    await request(app, "/v1/engines/threats/fault", "PUT", json_body={})
    assert (await evaluate(app, device="stolen-phone")).json()["decision"] == "block"


async def test_sentry_is_told_of_engines_that_fail_or_are_late(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """By transaction and engine; a late one with its time and its limit."""
    told: list[tuple[Any, ...]] = []
    for name in ("capture_fds_exception", "capture_fds_performance_issue"):
        monkeypatch.setattr(f"service.fds.detection.{name}", lambda *facts: told.append(facts))
    await request(app, "/v1/engines/rules/fault", "PUT", json_body={"error": True})
    await request(app, "/v1/engines/model/fault", "PUT", json_body={"latency_ms": 500})
    await evaluate(app, "t1")
    failed, late = told
    assert (type(failed[0]), failed[1:]) == (RuntimeError, ("t1", 0, "rules"))
    assert late[0] >= late[1]
    assert late[1:] == (pytest.approx(40, abs=5), "t1", "model")


async def test_the_whole_service_can_be_made_to_fail(app: FastAPI) -> None:
    """Then it answers 500, as of a bug; switched off, all is well."""
    switched = await request(app, "/v1/engines/service/fault", "PUT", json_body={"error": True})
    assert switched.json()["service"] == {"latency_ms": 0, "error": True}
    assert (await evaluate(app)).status == 500
    await request(app, "/v1/engines/service/fault", "PUT", json_body={})
    assert (await evaluate(app)).status == 200


async def test_with_every_engine_away_a_payment_is_held(app: FastAPI) -> None:
    """Nobody has looked at it."""
    for engine in ("rules", "model", "threats"):
        await request(app, f"/v1/engines/{engine}/fault", "PUT", json_body={"error": True})
    found = (await evaluate(app)).json()
    assert (found["decision"], found["missing"]) == ("hold", ["rules", "model", "threats"])


async def test_an_engine_that_is_not_known_is_named(app: FastAPI) -> None:
    """With those that are."""
    result = await request(app, "/v1/engines/gut/fault", "PUT", json_body={})
    assert (result.status, "rules, model, threats" in result.json()["message"]) == (404, True)


async def test_production_has_no_fault_switches(tmp_path: Any) -> None:
    """Nobody can slow an engine there."""
    app = create_app(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db"))
    assert (await request(app, "/v1/engines/faults")).status == 404
