"""Serving until told to stop: the API, and beside it the management routes when they have a port of their own."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

import uvicorn
from fastapi import FastAPI

from service.telemetry import Readiness

SIGNALS = (signal.SIGTERM, signal.SIGINT)
STARTUP_FAILED = 3  # the exit code that uvicorn has for it


class Listening(NamedTuple):
    """An application and the socket that it is served on."""

    app: FastAPI
    listener: socket.socket


class Limits(NamedTuple):
    """How long stopping may take, in seconds.

    Attributes:
        drain: requests are still taken while readiness says no already, so that load balancers can turn away.
        finish: running requests may go on.
    """

    drain: float
    finish: int


class Server(uvicorn.Server):
    """One of two servers in a process; signals come to both from `serve`."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


async def serve(
    api: Listening,
    management: Listening | None,
    readiness: Readiness,
    limits: Limits,
    *,
    trusted_proxies: Sequence[str] = (),
) -> int:
    """Serve until SIGTERM or SIGINT, let running requests finish, and return the process's exit code.

    The management routes are there first and stop last, so that probes are answered all the while. A second signal
    ends the draining, a third one the waiting for requests, a fourth one that for connections and queues to be closed.
    """
    applications = [api] if management is None else [api, management]
    servers = [
        Server(
            uvicorn.Config(
                app,
                access_log=False,  # each request has a line of its own already
                log_config=None,
                timeout_graceful_shutdown=limits.finish,
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=list(trusted_proxies),
            )
        )
        for app, _ in applications
    ]
    tasks = [asyncio.create_task(server.serve([on])) for server, (_, on) in zip(servers, applications, strict=True)]
    with _told_by_signals() as told:
        await _until(tasks[0], told.drain)
        readiness.draining = True
        await _until(tasks[0], told.stop, seconds=limits.drain)
        for server, task in zip(servers, tasks, strict=True):
            server.should_exit = True
            await _until(task, told.force)
            server.force_exit = True  # changes nothing for a server that is done
            await _until(task, told.leave)
            task.cancel()
    return 0 if servers[0].started else STARTUP_FAILED


class Told:
    """What the signals ask for, one after the other."""

    def __init__(self) -> None:
        self.drain, self.stop = asyncio.Event(), asyncio.Event()
        self.force, self.leave = asyncio.Event(), asyncio.Event()

    def again(self) -> None:
        """Take one more signal."""
        next((event for event in (self.drain, self.stop, self.force) if not event.is_set()), self.leave).set()


async def _until(task: asyncio.Task[None], event: asyncio.Event, seconds: float | None = None) -> None:
    """Return when the task is done, the event has come, or the seconds are over."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait((task, waiting), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


@contextmanager
def _told_by_signals() -> Iterator[Told]:
    told, loop = Told(), asyncio.get_running_loop()

    def tell(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(told.again)

    before = {number: signal.signal(number, tell) for number in SIGNALS}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
