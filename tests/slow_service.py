"""A service with one slow route, to be stopped while it works: `python -m tests.slow_service DRAIN FINISH`."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from service.serving import Limits, Listening, serve
from service.telemetry import Readiness, health_router

readiness = Readiness({})


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Begin and end visibly."""
    if sys.argv[3:] == ["broken"]:
        raise ConnectionError("no database")
    readiness.started = True
    yield
    print("cleaned up", flush=True)  # noqa: T201  # a command line of its own


def main() -> int:
    """Print the two ports, and serve."""
    api, management = FastAPI(lifespan=lifespan), FastAPI()
    management.include_router(health_router("slow", "1", "staging", readiness))

    @api.get("/wait/{seconds}")
    async def wait(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    print(*(listener.getsockname()[1] for listener in listeners), flush=True)  # noqa: T201
    limits = Limits(float(sys.argv[1]), int(sys.argv[2]))
    served = [Listening(app, on) for app, on in zip((api, management), listeners, strict=True)]
    return asyncio.run(serve(*served, readiness, limits))


if __name__ == "__main__":
    sys.exit(main())
