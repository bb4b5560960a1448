"""One trace through shop and fraud service, which are processes of their own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from testcontainers.core.container import DockerContainer

from tests.remote import Remote
from tests.servers import serving
from tests.shop.clients import buyer
from tests.telemetry.tracing.test_collector import HTTP, TRACE, collector, received

__all__ = ["collector"]
CALLER = "00f067aa0ba902b8"
KEY = "0123456789abcdef-shop"
pytestmark = pytest.mark.docker


async def arrived(collector: DockerContainer, trace_id: str, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the spans of a trace by name, once these are among them: the services send theirs apart."""
    for _ in range(100):
        spans = {span["name"]: span for span in received(collector, trace_id, 1)}
        if spans.keys() >= set(names):
            return spans
        await asyncio.sleep(0.1)
    raise AssertionError(f"there are only {', '.join(spans)}")


async def test_a_checkout_is_one_trace_through_shop_and_fraud_service(
    collector: DockerContainer,  # the fixture
    tmp_path: Path,
) -> None:
    """From the buyer's request over the call to the decision, each below the one that asked."""
    told = {
        "OTEL_ENABLED": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.get_exposed_port(HTTP)}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    folders = [tmp_path / name for name in ("fds", "shop")]
    for folder in folders:
        folder.mkdir()
    trace_id = f"{TRACE[:-4]}{uuid4().hex[:4]}"
    with (
        serving(folders[0], SERVICE_APP="fds", API_KEYS=f"shop:{KEY}", **told) as (fds, _),
        serving(folders[1], SERVICE_APP="shop", FDS_URL=fds, FDS_KEY=KEY, **told) as (shop, _),
    ):
        kim = await buyer(Remote(shop))  # type: ignore[arg-type]
        body = {"items": [{"product_id": 2, "quantity": 1}], "card_number": "4242424242424242"}
        ids = {"Idempotency-Key": "k1", "traceparent": f"00-{trace_id}-{CALLER}-01"}
        assert (await kim.ask("POST", "/v1/checkout", body, **ids)).status == 201
        spans = await arrived(collector, trace_id, chain := ["POST /v1/checkout", "POST fds", "POST /v1/evaluate"])
    assert [spans[name]["service"] for name in chain] == ["shop", "shop", "fds"]
    assert [spans[name]["parentSpanId"] for name in chain] == [CALLER, *(spans[name]["spanId"] for name in chain[:-1])]
