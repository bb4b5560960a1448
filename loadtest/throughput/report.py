"""The part of docs/benchmarks.md about throughput, from the results that were kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import linear_regression
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
WATCHED = 5.0
"""Seconds between two looks at the memory."""
HEAD = (
    "step",
    "workers",
    "checkouts a second",
    "P50, P95 at the peak",
    "P95 of fraud evaluations there",
    "P95 at 70 %",
    "errors",
    "cores: service / client / database, Redis, kernel",
)
METHOD = """A checkout is order, fraud check and payment: two transactions in PostgreSQL, with the fraud service in the
same process, sessions and history in Redis. PostgreSQL, Redis, service and client share the machine's two cores, so a
number here is what all of them do together. 5,000 buyers take turns on 100 products. The peak is what 32 connections
get that send one request after the other; the 70 % are sent on a schedule that does not wait for answers, and a latency
counts from when a request was due. Fraud evaluations are taken from the service's own histogram.

The bottleneck is the service's Python: with one process it keeps one core busy, mostly with SQLAlchemy, asyncpg and
FastAPI, while PostgreSQL, Redis and the client share half of the other one. Four processes find no third core; why
they are slower here than one is not known yet. uvloop with httptools made no difference (tried, not kept). The goals
of 1,000 a second, and of a P95 below 200 ms at 70 % of the peak in each run, are not reached on two cores, and the
memory grew: the history of fraud detection in memory has been bounded since, and a longer run has not been made yet.
"""


def section() -> str:
    """Return the section as Markdown, empty when nothing was measured."""
    if not RESULTS.exists():
        return ""
    results = json.loads(RESULTS.read_text("utf-8"))
    rule = ["---", *["---:"] * (len(HEAD) - 1)]
    rows = [HEAD, rule, *(_row(run) for run in results["runs"])]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([f"## Throughput of the sample's checkout\n\n{METHOD}\n{table}\n", *_more(results)])


def _row(run: dict[str, Any]) -> list[str]:
    peak, steady = run["peak"], run["steady"]
    errors = max(peak["error_rate"], steady["error_rate"])
    return [
        run["step"],
        str(run["workers"]),
        f"{peak['per_second']:.0f}",
        f"{peak['p50_ms']:.0f}, {peak['p95_ms']:.0f} ms",
        f"{run['fraud_p95']:.1f} ms",
        f"{steady['p95_ms']:.0f} ms",
        f"{errors:.2%}",
        " / ".join(f"{run['cores'][what]:.2f}" for what in ("service", "client", "rest")),
    ]


def _more(results: dict[str, Any]) -> Iterator[str]:
    if fraud := results.get("fraud"):
        yield (
            f"A fraud evaluation in process, with nothing else to do: P50 {fraud['p50_ms']:.2f} ms, "
            f"P95 {fraud['p95_ms']:.2f} ms.\n"
        )
    for run in results["runs"]:
        if run["memory"]:
            steady = run["steady"]
            yield (
                f"Soak: {steady['seconds'] / 60:.0f} minutes at {steady['per_second']:.0f} checkouts a second with "
                f"{run['workers']} worker(s): errors {steady['error_rate']:.3%}, P95 {steady['p95_ms']:.0f} ms, P99 "
                f"{steady['p99_ms']:.0f} ms, memory {run['memory'][-1] / 2**20:.0f} MiB, slope over the second half "
                f"{slope(run['memory']):+.1f} MiB an hour.\n"
            )


def slope(memory: list[int]) -> float:
    """Return by how many MiB an hour the memory grew over the second half: in the first, caches fill."""
    half = memory[len(memory) // 2 :]
    found = linear_regression([WATCHED * number / 3600 for number in range(len(half))], half)
    return found.slope / 2**20
