"""`python -m loadtest.demo`: visitors, buyers and frauds for a shop that runs, so that its dashboards come alive.

Requests come on a schedule that does not wait for the shop. What was a fraud is told to the fraud service afterwards,
so its precision and recall are real. Ends after --seconds, or cleanly on Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from service.error_metrics.environment import read_secret

from .calls import Calls
from .pace import Pace
from .progress import Progress
from .tally import Tally
from .traffic import Traffic

SHOP, FASTEST = "http://127.0.0.1:8000", 1000.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Make traffic, and return 1 if nobody was there to take it, or if an option makes no sense."""
    options = _parser().parse_args(arguments)
    try:
        shop = _address("--shop", options.shop)
        fds = shop if options.fds is None else _address("--fds", options.fds)
        rate = _number("--rate", options.rate, 0.01, FASTEST)
        seconds = _number("--seconds", options.seconds, 0, 1e9)
        seed = int(_number("--seed", options.seed, 0, 2**31))
        partner_key = options.partner_key or read_secret("DEMO_PARTNER_KEY", os.environ)
        fds_key = options.fds_key or read_secret("FDS_KEY", os.environ) or partner_key
    except ValueError as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    if partner_key is None:
        print("demo: without --partner-key nothing is shipped, delivered or reviewed", flush=True)
    return asyncio.run(_run((shop, partner_key), (fds, fds_key), rate, seconds, seed, options.alive))


async def _run(
    shop: tuple[str, str | None],
    fds: tuple[str, str | None],
    rate: float,
    seconds: float,
    seed: int,
    alive: Path | None,
) -> int:
    tally, stop, loop = Tally(), asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    pace = Pace(rate, tally)
    services = Calls("the shop", shop[0], pace, tally, shop[1]), Calls("fraud detection", fds[0], pace, tally, fds[1])
    progress = Progress(tally, services, alive)
    telling = asyncio.create_task(progress.go_on())
    await Traffic(*services, rate, seconds, seed, tally, pace).run(stop)
    telling.cancel()
    with suppress(asyncio.CancelledError):
        await telling
    print(await progress.summary(), flush=True)
    for service in services:
        await service.close()
    for service, (address, _) in zip(services, (shop, fds), strict=True):
        if not tally.answered[service.name]:
            problem = tally.silent.get(service.name, "nobody listens")
            print(f"demo: {service.name} never answered at {address} ({problem})", file=sys.stderr)
            return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtest.demo", description=__doc__)
    parser.add_argument("--shop", default=SHOP, metavar="URL", help="(default %(default)s)")
    parser.add_argument("--fds", metavar="URL", help="the fraud service (default: the shop's address)")
    parser.add_argument("--rate", default="5", metavar="PER_SECOND", help="requests a second (default %(default)s)")
    parser.add_argument("--seconds", default="60", metavar="N", help="0: until stopped (default %(default)s)")
    parser.add_argument("--seed", default="28", metavar="N", help="another one, other people (default %(default)s)")
    parser.add_argument("--alive", type=Path, metavar="FILE", help="is written every few seconds, for a healthcheck")
    parser.add_argument(
        "--partner-key",
        metavar="KEY",
        help="one of API_KEYS, to ship, deliver and review (default: DEMO_PARTNER_KEY, or DEMO_PARTNER_KEY_FILE)",
    )
    parser.add_argument(
        "--fds-key",
        metavar="KEY",
        help="the fraud service's (default: variable FDS_KEY, or FDS_KEY_FILE, else the partner key)",
    )
    return parser


def _address(option: str, text: str) -> str:
    with suppress(ValueError, httpx.InvalidURL):
        url = urlsplit(text)  # raises for a port that is none
        whole = url.scheme in ("http", "https") and url.hostname and url.port != 0 and not url.query + url.fragment
        if whole and httpx.URL(text).host:
            return text.rstrip("/")
    raise ValueError(f"{option}: {text!r} is no address, write one as {SHOP}")


def _number(option: str, text: str, least: float, most: float) -> float:
    with suppress(ValueError):
        if least <= float(text) <= most:
            return float(text)
    raise ValueError(f"{option}: {text!r} is no number in {least:g}-{most:g}")


if __name__ == "__main__":
    sys.exit(main())
