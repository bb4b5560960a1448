"""What a scrape says, read as numbers."""

from __future__ import annotations

from typing import Any

from tests.asgi import request


async def scraped(app: Any) -> dict[str, float]:
    """Return the samples by name and labels as they stand there."""
    lines = (await request(app, "/metrics")).text.splitlines()
    pairs = (line.partition(" # ")[0].rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


async def moved(app: Any, before: dict[str, float]) -> dict[str, float]:
    """Return by how much samples have grown since `before`, those that have."""
    now = await scraped(app)
    return {name: value - before.get(name, 0) for name, value in now.items() if value > before.get(name, 0)}
