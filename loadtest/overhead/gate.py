"""The gate of continuous integration: `python -m loadtest.overhead.gate [--record]`.

It counts the bare application, ours, the instrumentator, and what a log line and a span add to ours. It looks only at
instructions *added*: FastAPI's own share is nine tenths of a request and would hide any change of ours. It fails when
ours grew by more than 5 % over the value that was recorded with these locks on a machine and interpreter like this
one, or when the instrumentator, with the same metrics on, adds less than six times as much. Where there is no such
value, one that was recorded with these locks and the same minor version of Python elsewhere is compared with, and 15 %
allowed; where there is none of that either, only the ratio and a ceiling are checked. The output says which. A test
fails as long as nothing at all is recorded for the present locks.

Exit status: 0 all well, 1 too expensive, 2 cannot count (valgrind is missing, or a variant did not run).
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtest.overhead.instructions import Counts, ValgrindMissing, added, count
from loadtest.overhead.machine import alike, count_key
from loadtest.overhead.places import RECORDED
from loadtest.overhead.traffic import CELLS
from loadtest.overhead.verdict import RATIO

GROWTH = 0.05
"""How much ours may grow over the recorded value; layouts of memory are worth about 1 % of it."""

GROWTH_ELSEWHERE = 0.15
"""The same over a value of another machine: compiler, C library and patch level of Python are worth some per cent."""

CEILING = {"healthy": 60_000, "error": 200_000, "logs": 60_000, "traces": 600_000}
"""Instructions that ours may add where nothing is recorded yet, for any supported interpreter."""

TELEMETRY = ("logs", "traces")
"""What a healthy request pays on top, over `ids`: a log line sampled at 10 %, a span."""

Added = Mapping[str, float]
"""Instructions added to a request by cell, and by what telemetry adds to a healthy one."""


@dataclass(frozen=True)
class Decision:
    """What is wrong (empty: nothing), and what else the reader should know."""

    reasons: list[str]
    notes: list[str]


def find(kept: Mapping[str, Added], key: str) -> tuple[Added | None, float]:
    """Return the values to compare with, and the growth over them that is allowed; the dearest of several others."""
    if key in kept:
        return kept[key], GROWTH
    others = [values for other, values in kept.items() if alike(other) == alike(key)]
    return max(others, key=lambda values: values["healthy"], default=None), GROWTH_ELSEWHERE


def decide(ours: Added, peer: Added, recorded: Added | None, growth: float = GROWTH) -> Decision:
    """Compare what ours and the instrumentator add with each other and with the recorded values."""
    reasons, notes = [], []
    ratio = peer["healthy"] / ours["healthy"] if ours["healthy"] > 0 else float("inf")
    if ratio < RATIO["instrumentator"]:
        reasons.append(
            f"the instrumentator adds only {ratio:.2f} times as much as ours, {RATIO['instrumentator']:g} wanted"
        )
    for cell, now in ours.items():
        before = None if recorded is None else recorded.get(cell)
        limit = CEILING[cell] if before is None else before * (1 + growth)
        if now > limit:
            reasons.append(f"{cell}: ours adds {now:,.0f} instructions, at most {limit:,.0f} allowed")
        elif before is not None and now < before * (1 - growth):
            notes.append(f"{cell}: ours got cheaper, {before:,.0f} -> {now:,.0f}: record it with --record")
    if recorded is None:
        notes.append(
            "nothing is recorded for these locks and this Python, so only the ratio and a ceiling were checked"
        )
    elif growth == GROWTH_ELSEWHERE:
        notes.append(f"nothing is recorded for this machine: compared with another one's count, {growth:.0%} allowed")
    if recorded is None or growth == GROWTH_ELSEWHERE:
        notes.append(
            "record with: python -m loadtest.overhead.gate --record, and commit loadtest/overhead/recorded.json"
        )
    return Decision(reasons, notes)


def main() -> int:
    """Count, compare, and with `--record` keep the counts for the next comparison."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.overhead.gate", description=__doc__)
    parser.add_argument("--record", action="store_true", help="keep this count as the one to compare with")
    record = parser.parse_args().record
    try:
        counts = count(("bare", "ours", "instrumentator", "ids", *TELEMETRY))
    except (ValgrindMissing, RuntimeError) as problem:
        print(f"overhead gate: {problem}", file=sys.stderr)
        return 2
    return judge(counts, RECORDED, record)


def judge(counts: Counts, path: Path, record: bool) -> int:
    """Compare with what the file holds for this machine, or one like it; print the outcome, return the exit status."""
    key, kept = count_key(), _read(path)
    ours, peer = (_estimates(counts, name) for name in ("ours", "instrumentator"))
    ours |= {name: round(added(counts, name, "healthy", "ids").estimate) for name in TELEMETRY}
    print(f"key: {key}")
    for name, values in (("ours", ours), ("instrumentator", peer)):
        print(f"{name} adds", ", ".join(f"{value:,.0f} ({cell})" for cell, value in values.items()))
    decision = decide(ours, peer, *((ours, GROWTH) if record else find(kept, key)))
    for note in decision.notes:
        print(f"note: {note}")
    for reason in decision.reasons:
        print(f"FAILED: {reason}")
    if decision.reasons:
        return 1
    if record:
        path.write_text(json.dumps({**kept, key: ours}, indent=1, sort_keys=True) + "\n", "utf-8")
        print("recorded")
    return 0


def _estimates(counts: Counts, variant: str) -> dict[str, float]:
    return {cell: round(added(counts, variant, cell).estimate) for cell in CELLS}


def _read(path: Path) -> dict[str, dict[str, float]]:
    if not path.exists():
        return {}
    kept: dict[str, dict[str, float]] = json.loads(path.read_text("utf-8"))
    return kept


if __name__ == "__main__":
    sys.exit(main())
