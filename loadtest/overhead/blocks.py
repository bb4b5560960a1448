"""Workers that measure on command, and the order in which they are asked.

One process per variant waits on its standard input; the parent asks one at a time, forwards and then backwards
(ABBA), so that a machine that slowly gets warmer or busier favours nobody.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from loadtest.overhead.places import ROOT

Samples = dict[str, list[float]]
"""One number per round for each variant."""


class Worker:
    """A process that answers each JSON line with a JSON line."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"loadtest.overhead.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            text=True,
        )

    def ask(self, **question: Any) -> Any:
        """Send a question and wait for the answer. Raises `RuntimeError` if the process has ended."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the worker has no pipes")
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with status {self._process.wait()}")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve(answer: Callable[..., Any]) -> None:
    """The worker's side: answer questions until standard input ends."""
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)


def alternate(names: Sequence[str], rounds: int, measure: Callable[[str], float]) -> Samples:
    """Measure each name twice a round, forwards and backwards, and keep the mean of the two.

    Each round starts with another name: the first and the last of a round are measured twice in a row, with warmer
    caches the second time.
    """
    samples: Samples = {name: [] for name in names}
    for number in range(rounds):
        sums = dict.fromkeys(names, 0.0)
        turned = (*names[number % len(names) :], *names[: number % len(names)])
        for name in (*turned, *reversed(turned)):
            sums[name] += measure(name)
        for name, total in sums.items():
            samples[name].append(total / 2)
    return samples


def per_cell(
    cells: Iterable[str], names: Sequence[str], rounds: int, measure: Callable[[str, str], float]
) -> dict[str, Samples]:
    """`alternate` for one cell after the other."""
    result = {}
    for cell in cells:
        result[cell] = alternate(names, rounds, lambda name, cell=cell: measure(name, cell))  # type: ignore[misc]
        print(f"  {cell} done", file=sys.stderr)
    return result
