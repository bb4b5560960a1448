"""`python -m loadtest.throughput --database URL --redis URL`: how many checkouts a second, and how long each takes.

For each number of workers the service is started, loaded as far as it goes, and then with 70 % of that, on a schedule
that does not wait for it; for a soak longer, with half of it. Results are added to `results.json`, from which
docs/benchmarks.md is made.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from loadtest.overhead.machine import facts

from .buyers import prepare
from .fraud import measure_fraud
from .histogram import quantile
from .load import Outcome, send
from .processes import Service, busy, cpu_of, service
from .report import RESULTS, WATCHED

STEADY, SOAK = 0.7, 0.5
WARM_UP = 5.0
EVALUATIONS = "fds_evaluation_duration_seconds"


def main() -> int:
    """Measure what was asked for."""
    options = _options()
    environment = {"DATABASE_URL": options.database, "ENVIRONMENT": "staging"}
    environment |= {"FINGERPRINT_KEY": "for measurements", "REDIS_URL": options.redis or ""}
    results: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {"runs": []}
    results["machine"] = facts()
    for workers in options.workers:
        print(f"{workers} workers ...", file=sys.stderr)
        requests = asyncio.run(prepare(options.database))
        with service(options.port, workers, **environment) as running:
            run = asyncio.run(_measure(running, requests, options))
        run |= {"step": options.step, "workers": workers, "redis": bool(options.redis), "date": _today()}
        results["runs"].append(run)
        print(json.dumps({name: value for name, value in run.items() if name != "soak"}), file=sys.stderr)
    if options.fraud:
        results["fraud"] = asyncio.run(measure_fraud()) | {"date": _today()}
        print(json.dumps(results["fraud"]), file=sys.stderr)
    if options.step:
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


async def _measure(running: Service, requests: Iterator[bytes], options: argparse.Namespace) -> dict[str, Any]:
    await send(running.port, requests, WARM_UP, options.connections)
    before, cpu, client, machine = running.metrics(), running.cpu(), cpu_of(os.getpid()), busy()
    peak = await send(running.port, requests, options.seconds, options.connections)
    cpu, client, machine = running.cpu() - cpu, cpu_of(os.getpid()) - client, busy() - machine
    found: dict[str, Any] = {
        "peak": _told(peak),
        "fraud_p95": round(1000 * quantile(0.95, EVALUATIONS, before, running.metrics()), 1),
    }
    found["cores"] = {
        "service": round(cpu / peak.seconds, 2),
        "client": round(client / peak.seconds, 2),
        "rest": round((machine - cpu - client) / peak.seconds, 2),
    }
    many = 4 * options.connections
    steady = await send(running.port, requests, options.seconds, many, STEADY * peak.per_second)
    found["steady"] = _told(steady)
    if options.soak:
        watch = asyncio.create_task(_watch(running))
        soak = await send(running.port, requests, options.soak, many, SOAK * peak.per_second)
        watch.cancel()
        found["soak"] = _told(soak) | {"memory": (await asyncio.gather(watch, return_exceptions=True))[0]}
    return found


async def _watch(running: Service) -> list[int]:
    seen: list[int] = []
    try:
        while True:
            seen.append(running.memory())
            await asyncio.sleep(WATCHED)
    except asyncio.CancelledError:
        return seen


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "per_second": round(outcome.per_second, 1),
        "seconds": round(outcome.seconds, 1),
        "statuses": {str(status): number for status, number in sorted(outcome.statuses.items())},
        "error_rate": outcome.error_rate,
        **{f"p{share}_ms": round(1000 * outcome.quantile(share / 100), 1) for share in (50, 95, 99)},
    }


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.throughput", description=__doc__)
    parser.add_argument("--database", required=True, help="postgresql+asyncpg://user:password@host:port/name")
    parser.add_argument("--redis", help="redis://host:port/0; without it everything stays in memory")
    parser.add_argument("--workers", type=lambda text: [int(part) for part in text.split(",")], default=[1, 4])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each stretch (default %(default)s)")
    parser.add_argument("--soak", type=float, default=0.0, help="seconds at half of the peak, watching the memory")
    parser.add_argument("--connections", type=int, default=32, help="(default %(default)s)")
    parser.add_argument("--port", type=int, default=8009, help="for the service (default %(default)s)")
    parser.add_argument("--fraud", action="store_true", help="measure evaluations in this process, too")
    parser.add_argument("--step", default="", help="keep the results, under this name")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
