"""What fraud detection asks Redis is seen in traces, without what it asks about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from service.fds.history import RedisHistory
from service.fds.threat_lists import RedisThreats
from service.telemetry.tracing import get_tracer
from tests.fds.payments import payment
from tests.redis_server import redis_server
from tests.telemetry.tracing.conftest import Traced, traced

__all__ = ["traced"]
pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Redis server."""
    with redis_server() as server:
        yield server.url


async def test_each_round_trip_is_a_span_without_keys(address: str, traced: Traced) -> None:
    """One to look, one to approve, one to ask for threats."""
    spans = traced.tracing.child_spans()
    async with Redis.from_url(address) as redis:
        history, threats = RedisHistory(redis, spans), RedisThreats(redis, spans)
        with get_tracer().start_as_current_span("evaluate") as parent:
            await history.look(payment(user_id="secret-user"))
            await history.approve(payment(user_id="secret-user"))
            await threats.find(["device:secret-device"])
    found = [span for span in traced.spans() if span.parent == parent.get_span_context()]
    assert [span.name for span in found] == ["EXEC history", "EVALSHA history", "HMGET threats"]
    assert not any("secret" in span.to_json() for span in found)
