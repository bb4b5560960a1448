"""One trace across services, as a real OpenTelemetry Collector receives it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from service.app import Telemetry, create_service
from service.settings import Settings
from service.telemetry import setup_tracing
from service.telemetry.clients import make_client

GRPC, HTTP = 4317, 4318
CONFIG = """
receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}, http: {endpoint: "0.0.0.0:4318"}}}}
exporters: {file: {path: /dev/stdout, flush_interval: 100ms}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [file]}}}
"""
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def collector() -> Iterator[DockerContainer]:
    """A collector that prints what it receives."""
    container = (
        DockerContainer("otel/opentelemetry-collector-contrib:0.158.0")
        .with_env("CONFIG", CONFIG)
        .with_command("--config=env:CONFIG")
        .waiting_for(LogMessageWaitStrategy("Everything is ready"))
    )
    for port in (GRPC, HTTP):
        container.ports[port] = ("127.0.0.1",)  # type: ignore[assignment]
    with container:
        yield container


def received(collector: DockerContainer, trace_id: str, at_least: int) -> list[dict[str, Any]]:
    """Return the spans of one trace, with the name of their service, once there are so many."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        batches = [json.loads(line) for line in collector.get_logs()[0].decode().splitlines() if line.startswith("{")]
        spans = [span for batch in batches for span in _spans(batch) if span["traceId"] == trace_id]
        if len(spans) >= at_least:
            return spans
        time.sleep(0.1)
    raise AssertionError(f"the collector has received {len(spans)} spans of {trace_id}")


def _spans(batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in batch.get("resourceSpans", ()):
        facts = {fact["key"]: fact["value"] for fact in resource["resource"]["attributes"]}
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield {**span, "service": facts["service.name"]["stringValue"]}


def fraud_stub(traced: Telemetry, settings: Settings) -> FastAPI:
    """Another service, which asks the same database."""
    app, _, _ = create_service(settings, traced)
    query = text("SELECT count(*) FROM orders WHERE 'bob@example.com' = :mail")

    @app.get("/score")
    async def score() -> int:
        async with app.state.resources.engine.connect() as connection:
            return int((await connection.execute(query, {"mail": "x"})).scalar_one())

    return app


@pytest.mark.parametrize(("protocol", "port"), [("http/protobuf", HTTP), ("grpc", GRPC)])
async def test_a_request_across_services_is_one_trace(
    collector: DockerContainer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, protocol: str, port: int
) -> None:
    """From the caller through the shop and the fraud service to the database, each below the one that asked."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.get_exposed_port(port)}")
    settings = Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db")
    stub_tracing = setup_tracing({"service": "fds"})
    stub = fraud_stub(Telemetry(tracing=stub_tracing), settings)
    tracing = setup_tracing({"service": "shop"})
    shop, _, _ = create_service(settings, Telemetry(tracing=tracing))
    fds = make_client("fds", "http://fds", timeout=5, spans=tracing.child_spans(), transport=httpx.ASGITransport(stub))

    @shop.post("/checkout")
    async def checkout() -> int:
        return int((await fds.get("/score")).text)

    trace_id = f"{TRACE[:-2]}{len(protocol):02x}"
    caller = httpx.AsyncClient(transport=httpx.ASGITransport(shop), base_url="http://shop")
    async with shop.router.lifespan_context(shop), stub.router.lifespan_context(stub):
        answer = await caller.post("/checkout", headers={"traceparent": f"00-{trace_id}-{CALLER}-01"})
    assert answer.status_code == 200
    assert stub_tracing.close()
    assert tracing.close()

    spans = {span["name"]: span for span in received(collector, trace_id, 4)}
    chain = ["POST /checkout", "GET fds", "GET /score", "SELECT orders"]
    assert [spans[name]["service"] for name in chain] == ["shop", "shop", "fds", "fds"]
    parents = [CALLER, *(spans[name]["spanId"] for name in chain[:-1])]
    assert [spans[name]["parentSpanId"] for name in chain] == parents
    assert "bob@" not in collector.get_logs()[0].decode()
