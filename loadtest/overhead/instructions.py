"""(a) Instructions a request, counted by cachegrind: the same number in every run, however busy the machine is.

Fixed are the seeds of hashes and random numbers, the clocks, the environment and the holes in the heap; garbage
collection is off while counting. What remains is where objects lie in memory: each number is the median over several
layouts, see `layout`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from loadtest.overhead.places import ROOT
from loadtest.overhead.stats import Interval, difference_of_medians

REQUESTS = 100
LAYOUTS = 12
TIME_LIMIT = 900
"""Seconds for one process under valgrind; it takes about 40."""

Counts = dict[str, dict[str, list[float]]]
"""Instructions a request by variant and cell, one number for each memory layout."""


class ValgrindMissing(Exception):
    """There is no valgrind to count with."""


def count(variants: Iterable[str], layouts: int = LAYOUTS) -> Counts:
    """Count the variants, two processes side by side.

    Raises `ValgrindMissing`, or `RuntimeError` with the last line of a process that failed.
    """
    if shutil.which("valgrind") is None:
        raise ValgrindMissing("valgrind is not installed: apt-get install valgrind")
    names = list(variants)
    for name in names:
        _run([], name, 1)  # writes the compiled modules, and shows at once whether the variant works
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = pool.map(lambda name: _count_one(name, layouts), names)
        return dict(zip(names, found, strict=True))


def added(counts: Counts, variant: str, cell: str, base: str = "bare") -> Interval:
    """What a variant adds to the base variant, in instructions a request."""
    return difference_of_medians(counts[base][cell], counts[variant][cell])


def per_request(totals: Iterable[tuple[str, int, int]]) -> dict[str, list[float]]:
    """Instructions a request by cell, from `(cell, requests sent, instructions in all)`.

    The totals come in pairs of a short and a long run of the same cell.
    """
    result: dict[str, list[float]] = defaultdict(list)
    pairs = iter(totals)
    for (cell, few, less), (_, many, more) in zip(pairs, pairs, strict=True):
        result[cell].append((more - less) / (many - few))
    return dict(result)


def middle(counts: Counts, variant: str, cell: str) -> float:
    """Instructions of a whole request."""
    return median(counts[variant][cell])


def _count_one(variant: str, layouts: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        tool = ["valgrind", "-q", "--tool=cachegrind", "--cache-sim=no", "--branch-sim=no"]
        lines = _run([*tool, f"--cachegrind-out-file={folder}/%p"], variant, layouts)
        print(f"  counted {variant}", file=sys.stderr)
        return per_request([(cell, int(sent), _total(Path(folder, pid))) for cell, sent, pid in lines])


def _run(tool: list[str], variant: str, layouts: int) -> list[list[str]]:
    """Run the hot loop, under `tool` if there is one, in an environment that is the same everywhere."""
    done = subprocess.run(
        [*tool, sys.executable, "-m", "loadtest.overhead.hotloop"],
        input=f"{variant} {REQUESTS} {layouts}\n",
        env={"PATH": os.defpath, "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{variant}: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
    return [line.split() for line in done.stdout.splitlines()]


def _total(result: Path) -> int:
    """The instructions of one process from cachegrind's file, whose last line is `summary: N`."""
    return int(result.read_text("utf-8").rsplit("summary:", 1)[1])
