"""Registering, logging in and out, and guessing passwords."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.asgi import Result, request
from tests.shop.clients import PASSWORD, Buyer, buyer, sample


async def log_in(app: FastAPI, email: str = "kim@example.com", password: str = PASSWORD) -> Result:
    """Try to log in."""
    return await request(app, "/v1/sessions", "POST", json_body={"email": email, "password": password})


async def test_who_registers_can_log_in(app: FastAPI) -> None:
    """However the address is written."""
    who = {"email": "Kim@Example.com", "password": PASSWORD, "country": "US"}
    result = await request(app, "/v1/users", "POST", json_body=who)
    assert (result.status, result.json()) == (201, {"id": 1, "country": "US"})
    answer = await log_in(app, "kim@EXAMPLE.com")
    assert (answer.status, set(answer.json())) == (201, {"token", "expires_at"})


async def test_passwords_are_kept_as_argon2id(app: FastAPI, kim: Buyer) -> None:
    """And tokens as digests."""
    async with app.state.resources.engine.connect() as connection:
        kept = (await connection.execute(text("SELECT password_hash FROM users"))).scalar_one()
        digest = (await connection.execute(text("SELECT token_digest FROM sessions"))).scalar_one()
    assert kept.startswith("$argon2id$")
    assert kim.token not in digest


async def test_an_address_has_one_account(app: FastAPI, kim: Buyer) -> None:
    """The second is refused, also at the same time."""
    who = {"email": "lee@example.com", "password": PASSWORD}
    results = await asyncio.gather(*(request(app, "/v1/users", "POST", json_body=who) for _ in range(4)))
    assert sorted(result.status for result in results) == [201, 409, 409, 409]
    assert {result.json()["error_code"] for result in results if result.status == 409} == {417}


async def test_who_logs_out_is_out(app: FastAPI, kim: Buyer) -> None:
    """At once, although logins are cached."""
    assert (await kim.ask("GET", "/v1/orders")).status == 200
    assert (await kim.ask("DELETE", "/v1/sessions")).status == 204
    result = await kim.ask("GET", "/v1/orders")
    assert (result.status, result.json()["error_code"], result.headers["www-authenticate"]) == (401, 201, "Bearer")


async def test_a_login_expires(app: FastAPI, kim: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an hour, also where it is cached."""
    await kim.ask("GET", "/v1/orders")
    async with app.state.resources.engine.begin() as connection:
        await connection.execute(text("UPDATE sessions SET expires_at = '2020-01-01 00:00:00.000000'"))
    assert (await Buyer(app, kim.token).ask("GET", "/v1/orders")).status == 200  # for a minute
    app.state.shop.sessions._cache._entries.clear()
    assert (await kim.ask("GET", "/v1/orders")).status == 401
    assert (await kim.ask("GET", "/v1/orders")).status == 401  # from the cache
    assert await app.state.shop.sessions.forget_expired() == 1


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic a2ltOnB3", "bearer\t"])
async def test_without_a_token_there_is_nothing_to_see(app: FastAPI, header: str) -> None:
    """Whatever stands in its place."""
    assert (await request(app, "/v1/orders", headers={"Authorization": header})).status == 401


async def test_a_login_with_half_a_character_is_a_mistake(app: FastAPI) -> None:
    """It can't be anybody's password, and breaks nothing."""
    result = await log_in(app, "kim@example.com", "\ud800")
    assert (result.status, result.json()["error_code"]) == (422, 499)


async def test_wrong_address_and_wrong_password_are_the_same(app: FastAPI, kim: Buyer) -> None:
    """Nobody learns who has an account."""
    answers = [await log_in(app, "nobody@example.com"), await log_in(app, password="wrong password")]
    told = [{name: answer.json()[name] for name in ("error_code", "message", "detail")} for answer in answers]
    assert [answer.status for answer in answers] == [401, 401]
    assert told[0] == told[1]


async def test_guessing_is_throttled(app: FastAPI, kim: Buyer) -> None:
    """After five failures even the right password is not tried; others still log in."""
    await buyer(app, "lee")
    for _ in range(5):
        assert (await log_in(app, password="wrong password")).status == 401
    result = await log_in(app)
    assert (result.status, result.json()["error_code"]) == (429, 203)
    assert 0 < int(result.headers["retry-after"]) <= 900
    assert (await log_in(app, "lee@example.com")).status == 201
    assert await sample(app, 'ecommerce_user_logins_total{result="throttled"}') == 1
    assert await sample(app, 'ecommerce_user_logins_total{result="failure"}') == 5


async def test_guessing_is_throttled_however_the_address_is_written(app: FastAPI, kim: Buyer) -> None:
    """Capitals make no other account."""
    for email in ("kim@example.com", "Kim@example.com", "KIM@EXAMPLE.COM", "kiM@example.com", "kim@Example.com"):
        assert (await log_in(app, email, "wrong password")).status == 401
    assert (await log_in(app)).status == 429


async def test_guessing_many_passwords_at_once_tries_five(app: FastAPI, kim: Buyer) -> None:
    """The others are refused before anybody knows whether the first five failed; an unknown account is no exception."""
    for email in ("kim@example.com", "nobody@example.com"):
        guesses = await asyncio.gather(*(log_in(app, email, f"wrong password {number}") for number in range(20)))
        assert sorted(guess.status for guess in guesses) == [401] * 5 + [429] * 15
        assert (await log_in(app, email)).status == 429


async def test_one_address_that_tries_many_accounts_is_throttled(app: FastAPI, kim: Buyer) -> None:
    """After fifty failures."""
    for number in range(50):
        await log_in(app, f"n{number}@example.com")
    assert (await log_in(app)).status == 429


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"password": "guessable"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": "half a character: \ud800"}, "password"),
        ({"email": "kim"}, "email"),
        ({"email": "kim@example"}, "email"),
        ({"email": "kim@example.com\n"}, "email"),
        ({"email": "' OR 1=1 --@example.com"}, "email"),
        ({"country": "Korea"}, "country"),
        ({"admin": True}, "admin"),
    ],
)
async def test_a_wrong_registration_is_refused(app: FastAPI, changes: dict[str, Any], field: str) -> None:
    """The field is named, the password never."""
    body = {"email": "kim@example.com", "password": PASSWORD, **changes}
    result = await request(app, "/v1/users", "POST", json_body=body)
    assert result.status == 422
    assert field in result.text
    assert body["password"] not in result.text
