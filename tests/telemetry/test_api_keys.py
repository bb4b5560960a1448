"""Requests by the name of their API key."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest

from service.error_metrics.requests import measure_requests
from service.telemetry.api_keys import APIKeys
from tests.asgi import request

KEY = "a-key-that-nobody-may-see"


@pytest.mark.parametrize(
    ("headers", "counted"), [({"X-API-Key": KEY}, "till"), ({"X-API-Key": "other"}, "unknown"), ({}, None)]
)
async def test_a_request_is_counted_by_the_name_of_its_key(headers: dict[str, str], counted: str | None) -> None:
    """Never by the key; requests without one not at all."""
    app, registry = FastAPI(), CollectorRegistry()
    measure_requests(app, APIKeys({"till": KEY}, registry))
    await request(app, "/", headers=headers)
    for name in ("till", "unknown"):
        assert registry.get_sample_value("api_key_requests_total", {"key": name}) == (name == counted)
    assert KEY not in generate_latest(registry).decode()


async def test_a_request_with_two_keys_is_counted_once() -> None:
    """By the first, so that the sum over the keys is one of requests."""
    app, registry = FastAPI(), CollectorRegistry()
    measure_requests(app, APIKeys({"till": KEY}, registry))
    await request(app, "/", headers={"X-API-Key": KEY, "x-api-key": "other"})
    counts = [registry.get_sample_value("api_key_requests_total", {"key": name}) for name in ("till", "unknown")]
    assert counts == [1, 0]
