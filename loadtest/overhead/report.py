"""`docs/benchmarks.md` from the results, so that the page can be rebuilt without measuring again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median
from typing import Any

from loadtest.overhead import instructions
from loadtest.overhead.verdict import SENTRY_STATES, Results, added_time, interval, rows
from loadtest.throughput import report as throughput  # SAMPLE

NAMES = {
    "bare": "bare application",
    "bare_again": "bare application again (A/A)",
    "disabled": "ours, disabled",
    "errors": "ours, error metrics",
    "ours": "**ours, error + HTTP metrics**",
    "instrumentator": "prometheus-fastapi-instrumentator",
    "starlette_exporter": "starlette_exporter",
    "tutorial": "tutorial (`BaseHTTPMiddleware`)",
    "fastapi_telemetry": "FastAPI's own telemetry (OpenTelemetry)",
}

TELEMETRY_NAMES = {
    "logs": "a log line for each request, sampled at 10 %",
    "traces": "**a span for each request, ours**",
    "traces_fastapi": "the same by FastAPI's `telemetry=`",
    "traces_contrib": "the same by opentelemetry-instrumentation-fastapi",
}

INTRODUCTION = """# Benchmarks

What measuring a request costs, next to the usual alternatives. Made by `make bench`; written by a program, so edits
here are lost. Everything in brackets is a 95 % interval, and a verdict on a time is passed on the interval's upper end.
"""

METHOD = """## Method

- **The application** has twenty routes in three nested routers, path parameters, one JSON body and three error routes
  (`loadtest/overhead/bench_app.py`). Routes and ids vary from request to request, exceptions are new objects. Peers
  and the bare application raise `HTTPException`, ours raise a catalogued error; so "added to an error response"
  contains the richer body of ours, with ids and timestamp, which the disabled module answers, too.
- **The variants** run each in a process of their own and show the same facts where they can: requests by method,
  route template and exact status, a latency histogram with the same buckets, bytes in and out, requests in progress.
  Where a peer has a choice it gets the cheaper one (`loadtest/overhead/variants.py`). Ours is set up before the
  routes, as its documentation says, so its own routes are in the way of each request; the peers are after them.
- **(a) Instructions** are counted by valgrind's cachegrind. A process warms up and forks; one child sends N requests,
  another 2N, and their difference is N requests and nothing else. Hash seed, clocks, environment and heap are fixed
  and the garbage collector is off. Each number is the median of twelve memory layouts; A/A loads other modules before,
  because where objects lie in memory is what differs between two builds of the same code.
- **(b) Times** are CPU times of the process, all threads included, with the garbage collector on. Variants are
  measured in alternating blocks, forwards and backwards (ABBA) in one run; the estimate is the median of the paired
  differences to the bare application, its interval a percentile bootstrap over the rounds. The hot loop calls the
  application in process; the server is uvicorn with its defaults on one core, the client on the other (four
  keep-alive connections). "Its own thread" leaves out what the module does in the background.
- **(c) Recording**: the clock is read around each call of a burst of 500, its own cost is included. With eight threads
  a call can wait for the interpreter lock, which the other threads hold; so verdicts are on one thread.
- **(d) Memory** is counted by `tracemalloc`: every byte asked for and not given back, shared texts once.
- **(e) Scrapes** go to a real uvicorn under 200 requests a second. A task in its event loop sleeps 1 ms at a time; the
  stall is by how much the longest sleep of a scrape was too long. The column without scrape shows the machine's share.
- **(f) Sentry**: the error metrics with and without a Sentry that is told of every error, in the hot loop, the
  request's own thread. After a burst of equal errors most are held back, so one variant has no limits: it hands every
  error over until the queue is full. Describing, masking and sending a report takes another thread some 20 ms.
- **(g) Logs and traces** are added to error metrics, HTTP metrics and request ids. Log lines go to `/dev/null`; spans
  to a collector on this machine, over HTTP, except while instructions are counted. Ours masks what spans tell and
  writes errors into them, the other two do not. The background threads' work is part of all numbers. The verdict on a
  log line, the smallest difference here, is passed on a longer run with nothing but that pair.
"""

LEFT_OUT = """## What was left out

- Garbage collection and the kernel's work in (a); what a wake-up of the background thread costs there, too: its work is
  counted, done in the foreground every thirty requests.
- FastAPI's own telemetry has no request and response sizes, so it does less than the others; its traces are off.
- starlette_exporter cannot leave its labels off the sizes; the instrumentator labels requests in progress not at all.
- Multiprocess mode and exemplars; end-to-end times under load are `make overhead`'s subject.
- Hot loops understate what a server pays, because caches stay warm: that is why both are here.
"""


def page(results: Results) -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION, _verdict(results), PICTURES]
    parts += [make(results[name]) for name, make in _SECTIONS.items() if name in results]
    parts.append(throughput.section())  # SAMPLE
    return "\n".join([*parts, METHOD, LEFT_OUT, _machine(results)])


PICTURES = """![CPU time added to a request by variant, with intervals](images/bench-times.png)

![Instructions added to a request by variant](images/bench-instructions.png)
"""


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table; every column but the first is aligned to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines)) + "\n"


def _verdict(results: Results) -> str:
    lines = [
        (row.measure, row.bound(row.budget), row.bound(row.goal), f"{row.shown} {row.unit}", row.verdict)
        for row in rows(results)
    ]
    return table(("measure", "budget", "goal", "measured", "ok?"), lines)


def _instructions(section: Any) -> str:
    counts = section["counts"]
    return "## (a) Instructions added to a request\n\n" + table(
        ("variant", "healthy request", "times ours", "error response", "times ours"), _instruction_lines(counts)
    )


def _instruction_lines(counts: Any) -> Iterator[Sequence[str]]:
    bare = [f"{instructions.middle(counts, 'bare', cell):,.0f} in all" for cell in ("healthy", "error")]
    yield NAMES["bare"], bare[0], "", bare[1], ""
    for name in (name for name in NAMES if name in counts and name != "bare"):
        cells = []
        for cell in ("healthy", "error"):
            here = instructions.added(counts, name, cell)
            ours = instructions.added(counts, "ours", cell)
            cells += [
                f"{here.estimate:,.0f} ± {(here.high - here.low) / 2:,.0f}",
                _ratio(here.estimate / ours.estimate),
            ]
        yield NAMES[name], *cells


def _ratio(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 0.1 else "0"


def _times(section: Any) -> str:
    parts = ["## (b) CPU time added to a request, in µs\n"]
    columns = [(kind, cell) for kind in ("hot", "server") for cell in ("healthy", "error")]
    names = section["hot"]["healthy"]
    lines = [[NAMES["bare"], *(f"{_median_of(section, kind, cell):.0f} in all" for kind, cell in columns)]]
    lines += [
        [NAMES[name], *(interval(added_time(section, kind, cell, name)) for kind, cell in columns)]
        for name in NAMES
        if name in names and name != "bare"
    ]
    parts.append(table(("variant", "hot loop", "hot loop, error", "uvicorn", "uvicorn, error"), lines))
    own = [
        [NAMES[name], interval(added_time(section, "thread", "error", name))] for name in ("disabled", "errors", "ours")
    ]
    parts.append("An error response, the request's own thread only:\n")
    parts.append(table(("variant", "hot loop, error"), own))
    return "\n".join(parts)


def _median_of(section: Any, kind: str, cell: str) -> float:
    values = sorted(section[kind][cell]["bare"])
    return float(values[len(values) // 2])


def _recording(section: Any) -> str:
    lines = [[name, *(f"{times[key]:.1f}" for key in ("min", "median", "p99"))] for name, times in section.items()]
    return "## (c) One call, in µs\n\n" + table(("call", "minimum", "median", "99th percentile"), lines)


def _memory(section: Any) -> str:
    lines = [
        ["10,000 events", f"{section['full'] / 1e6:.2f} MB"],
        ["the same after 20,000 more", f"{section['after_20000'] / 1e6:.2f} MB"],
        ["one event", f"{section['per_event']:.0f} B"],
    ]
    return "## (d) Memory of the history\n\n" + table(("what", "kept"), lines)


def _scrapes(section: Any) -> str:
    keys = ("scrape_alone", "scrape", "stall_without", "stall_without_worst", "stall", "stall_worst")
    lines = [[f"{found['series']:,.0f}", *(f"{found[key]:.1f}" for key in keys)] for found in section.values()]
    head = ("series", "scrape", "under load", "stall without", "worst", "stall with scrape", "worst")
    return "## (e) A scrape, in ms\n\n" + table(head, lines)


def _telemetry(section: Any) -> str:
    columns = [("hot", "healthy"), ("hot", "error"), ("server", "healthy"), ("server", "error")]
    lines = []
    for name, text in TELEMETRY_NAMES.items():
        counted = instructions.added(section["counts"], name, "healthy", "ids").estimate
        found = (interval(added_time(section, kind, cell, name, "ids")) for kind, cell in columns)
        lines.append([text, f"{counted:,.0f}", *found])
    head = ("added to metrics and request ids", "instructions", "hot loop", "hot, error", "uvicorn", "uvicorn, error")
    stalls = [
        [TELEMETRY_NAMES.get(name, "metrics and request ids"), f"{median(found):.1f}", f"{max(found):.1f}"]
        for name, found in section["stalls"].items()
    ]
    return (
        "## (g) Logs and traces, instructions and CPU time in µs\n\n"
        + table(head, lines)
        + "\nLongest stall of the event loop in a fifth of a second under 200 requests a second, in ms:\n\n"
        + table(("with", "median", "worst"), stalls)
    )


def _sentry(section: Any) -> str:
    lines = [
        [f"a Sentry {state}", interval(added_time(section, "thread", "error", name, "sentry_off"))]
        for name, state in SENTRY_STATES.items()
    ]
    lines.append(["a healthy request", interval(added_time(section, "thread", "healthy", "sentry", "sentry_off"))])
    return "## (f) Sentry, added to the error metrics, in µs\n\n" + table(("an error response with", "added"), lines)


def _machine(results: Results) -> str:
    facts = [*results["machine"].items(), ("measured", ", ".join(sorted(set(results["measured"].values()))))]
    return "## Machine and versions\n\n" + "\n".join(f"- {name}: {value}" for name, value in facts) + "\n"


_SECTIONS: dict[str, Callable[[Any], str]] = {
    "a": _instructions,
    "b": _times,
    "c": _recording,
    "d": _memory,
    "e": _scrapes,
    "f": _sentry,
    "g": _telemetry,
}
