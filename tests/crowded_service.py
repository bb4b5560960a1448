"""The service with more routes and error codes than it has labels for: `python -m tests.crowded_service`."""

from __future__ import annotations

import asyncio
import socket
import sys

from service.app import create_service
from service.error_metrics import BaseAppException
from service.serving import Limits, Listening, serve
from service.settings import Settings

ROUTES, BURST = 120, 30_000


def main() -> int:
    """Print the port, and serve."""
    app, _, readiness = create_service(Settings.from_environment())
    record = app.state.error_metrics.record

    async def shelf() -> str:
        return "nothing"

    for number in range(ROUTES):
        app.add_api_route(f"/v1/shelf-{number}", shelf)

    @app.get("/v1/codes/{code}")
    async def fail(code: int) -> None:
        raise BaseAppException(error_code=code, message="one of very many")

    @app.post("/v1/burst")
    async def burst() -> None:
        for _ in range(BURST):
            record(BaseAppException(error_code=900, message="a job that fails again and again"))

    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)  # noqa: T201  # a command line of its own
    return asyncio.run(serve(Listening(app, listener), None, readiness, Limits(0, 5)))


if __name__ == "__main__":
    sys.exit(main())
