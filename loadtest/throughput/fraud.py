"""How long a fraud evaluation takes in its process: no network, everything in memory, made-up payments."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from service.fds.engines import ModelEngine, RulesEngine, ThreatsEngine
from service.fds.evaluation import Evaluator
from service.fds.history import MemoryHistory
from service.fds.threat_lists import MemoryThreats
from service.fds.training.world import World

PAYMENTS, WARM_UP = 5_000, 500


async def measure_fraud() -> dict[str, Any]:
    """Return the median and the 95th percentile, in milliseconds."""
    world, history = World(seed=7), MemoryHistory()
    payments = [told.transaction for told in world.payments(WARM_UP + PAYMENTS)]
    engines = (RulesEngine(), ModelEngine(), ThreatsEngine(MemoryThreats(world.threats)))
    evaluator = Evaluator(engines, history)
    times = []
    for payment in payments:
        began = perf_counter()
        found = await evaluator.evaluate(payment)
        times.append(perf_counter() - began)
        if found.decision == "approve":
            await history.approve(payment)
    times = sorted(times[WARM_UP:])
    return {"p50_ms": round(1000 * times[len(times) // 2], 3), "p95_ms": round(1000 * times[int(0.95 * len(times))], 3)}
