"""The part of docs/benchmarks.md about throughput, from the results that were kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
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

The bottleneck is the service's Python: with one process it keeps one core busy, and of that nearly half is SQLAlchemy
and asyncpg, whose ten round trips a checkout needs; PostgreSQL, Redis and the client share half of the other core.
Four processes find no third core, so their peak is the same; what they shorten is the wait at 70 %. They need
connections that come one after the other: those that come in one moment may all be accepted by one of them. With ten
database connections instead of twenty the tail is shorter, probably because fewer transactions hold rows while they
wait for their turn of the event loop. Tried and not kept, because no difference was seen: uvloop with httptools, a
pool of five, and rarer collections of garbage. 1,000 a second are not reached on two cores. How many are depends on
the neighbours of this machine: the same code made between 108 and 184 a second within two hours, so rows are
comparable by their order of magnitude only. A soak at 70 % was tried, too: the machine was slower than its peak for
minutes, and 0.2 % of checkouts were refused with 503 because no database connection was free within two seconds. So
it runs at half of the peak.
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
        if soak := run.get("soak"):
            yield (
                f"Soak: {soak['seconds'] / 60:.0f} minutes at {soak['per_second']:.0f} checkouts a second, half of the "
                f"peak, with {run['workers']} worker(s): errors {soak['error_rate']:.3%}, P95 {soak['p95_ms']:.0f} ms, "
                f"P99 {soak['p99_ms']:.0f} ms. Memory: {_grown(soak['memory'])}.\n"
            )


def _grown(memory: list[int]) -> str:
    begun, middle, ended = (memory[place] / 2**20 for place in (0, len(memory) // 2, -1))
    flat = max(len(list(same)) for _, same in groupby(memory[len(memory) // 2 :], key=lambda found: found // 2**19))
    return (
        f"{begun:.0f} MiB at the beginning, {middle:.1f} in the middle, {ended:.1f} at the end; slope over the second "
        f"half {slope(memory):+.1f} MiB an hour, its longest stretch within half a MiB "
        f"{flat * WATCHED / 60:.1f} minutes"
    )


def slope(memory: list[int]) -> float:
    """Return by how many MiB an hour the memory grew over the second half: in the first, caches fill."""
    half = memory[len(memory) // 2 :]
    found = linear_regression([WATCHED * number / 3600 for number in range(len(half))], half)
    return found.slope / 2**20
