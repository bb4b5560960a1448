"""The command line: `python -m service serve | migrate | seed | threats | errors`."""

from __future__ import annotations

import argparse
import asyncio
import errno
import gc
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

try:  # FastAPI imports it, too, and would fail with a traceback
    import opentelemetry.propagate  # noqa: F401
except ImportError:
    pass
except ValueError as problem:
    sys.exit(f"service: OTEL_PROPAGATORS: {problem} Use tracecontext, baggage, both or none.")

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from service import fds, shop, shop_seed  # SAMPLE
from service.app import NOTHING, Service, Telemetry, create_service
from service.database import is_sqlite, make_engine
from service.error_metrics import MetricsConfig
from service.error_metrics.catalogue import as_markdown, as_table
from service.error_metrics.registry import default_registry
from service.migrations import upgrade
from service.serving import Limits, Listening, serve
from service.settings import (
    APPS,  # SAMPLE
    Settings,
)
from service.telemetry.logs import LogConfig, Logs, get_logger, setup_logging
from service.telemetry.logs.writer import hold_open
from service.workers import Workers, check_shared_metrics, clear_shared_metrics

if TYPE_CHECKING:
    from service.telemetry.tracing import Tracing

T = TypeVar("T")
Sockets = tuple[socket.socket, socket.socket | None]  # of the API, and of the management port


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; bad settings are one line on stderr and 1."""
    for stream in range(3):
        hold_open(stream)
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except ValidationError as problem:
        _say(f"service: {_first_problem(problem)}")
    except SQLAlchemyError as problem:
        _say(f"service: database_url: {str(problem).splitlines()[0]}")
    except (ValueError, OSError) as problem:
        _say(f"service: {str(problem).splitlines()[0]}")
    return 1


def _say(text: str) -> None:
    """Tell whoever has started us, if there is anybody: a full disk behind stderr keeps nobody from being served."""
    if sys.stderr is None:  # it was closed before we began
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  # or Python tries again at the end, and exits with 120


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m service", description="The sample shop.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve until told to stop")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    port = os.environ.get("PORT") or "8000"
    serve.add_argument("--port", default=port, help="port to listen on (default PORT, or 8000)")
    serve.add_argument("--workers", default="1", help="processes that serve; see docs/workers.md (default %(default)s)")
    serve.add_argument("--app", choices=APPS, help="what to serve (default SERVICE_APP, or all)")  # SAMPLE
    serve.set_defaults(command=_serve)
    migrate = commands.add_parser("migrate", help="bring the database up to this code's schema")
    migrate.set_defaults(command=partial(_on_database, _migrate))
    shop_seed.add_commands(commands)  # SAMPLE
    fds.add_commands(commands)  # SAMPLE
    errors = commands.add_parser("errors", help="print the catalogue of error codes")
    errors.add_argument("--markdown", action="store_true", help="as docs/error-codes.md")
    errors.set_defaults(command=_errors)
    return parser


def _serve(options: argparse.Namespace) -> int:
    settings = Settings.from_environment(**{"service_app": options.app} if getattr(options, "app", None) else {})
    workers = _workers(options.workers)
    if workers > 1 and settings.metrics.enabled and settings.metrics.prometheus_enabled:
        check_shared_metrics()
    clear_shared_metrics(mine=True, others=False)
    logs = setup_logging(settings.logs, facts=settings.facts, masker=settings.masker)
    telemetry = Telemetry(logs, _trace(settings)) if workers == 1 else NOTHING
    made = create_service(settings, telemetry)  # also where workers make their own: it says what is wrong, once
    asyncio.run(_with_engine(_usable))
    sockets = _sockets(options, settings)
    _say(_welcome(options.host, *sockets, settings.metrics))
    if workers == 1:
        clear_shared_metrics(mine=False, others=True)
        return _serve_here(settings, made, telemetry, sockets)
    return Workers(workers, lambda: _work(settings, logs, sockets)).run()


def _work(settings: Settings, logs: Logs, sockets: Sockets) -> int:
    try:
        try:
            telemetry = Telemetry(logs, _trace(settings))
        except ValueError as problem:  # tracing begins after the fork, so only here it is known what is wrong
            _say(f"service: {problem}")
            return 1
        return _serve_here(settings, create_service(settings, telemetry), telemetry, sockets)
    except Exception:  # noqa: BLE001  # forked processes have nobody above who would say it
        get_logger("service.workers").exception("a worker failed")
        return 1
    finally:
        logs.close()  # nothing does it for a process that was forked


def _sockets(options: argparse.Namespace, settings: Settings) -> Sockets:
    api = _listen(options.host, _port(options.port), "--port")
    if settings.management_port is None:
        return api, None
    return api, _listen(options.host, settings.management_port, "MANAGEMENT_PORT")


def _serve_here(settings: Settings, made: Service, telemetry: Telemetry, sockets: Sockets) -> int:
    app, management, readiness = made
    beside = Listening(management, sockets[1]) if management is not None and sockets[1] is not None else None
    gc.collect()
    gc.freeze()  # modules and routes never go; looking through them stops every request for 40 ms now and then
    limits = Limits(settings.drain_seconds, settings.shutdown_seconds)
    serving = serve(Listening(app, sockets[0]), beside, readiness, limits, trusted_proxies=settings.trusted_proxies)
    code = asyncio.run(serving)
    for part in reversed(telemetry):  # the logs last: they tell of the others
        if part is not None:
            part.close()
    return code


def _trace(settings: Settings) -> Tracing | None:
    if not settings.otel_enabled:
        return None
    try:
        from service.telemetry.tracing import setup_tracing  # costs nothing when it is off
    except ImportError:
        raise ValueError("otel_enabled: OpenTelemetry is not installed, install the extra otel") from None
    return setup_tracing(settings.facts, masker=settings.masker)


def _welcome(host: str, api: socket.socket, management: socket.socket | None, metrics: MetricsConfig) -> str:
    there = _address(host, management or api)
    parts = [f"service: {_address(host, api)}/docs for the API"]
    if metrics.enabled and metrics.dashboard_enabled:
        parts.append(f"{there}/dashboard for its errors")
    if metrics.enabled and metrics.prometheus_enabled:
        parts.append(f"{there}{metrics.prometheus_path} for Prometheus")
    return ", ".join(parts)


def _address(host: str, listener: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def _listen(host: str, port: int, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise ValueError(f"port {port} of {host} is taken, choose another with {setting}") from None
        raise ValueError(f"cannot listen on port {port} of {host}: {problem.strerror}") from None


def _on_database(work: Callable[[AsyncEngine], Awaitable[str]], _: argparse.Namespace) -> int:
    print(asyncio.run(_with_engine(work)))
    return 0


async def _migrate(engine: AsyncEngine) -> str:
    return f"database is at revision {await upgrade(engine)}"


def _errors(options: argparse.Namespace) -> int:
    shown = as_markdown(default_registry) if options.markdown else as_table(default_registry) + "\n"
    sys.stdout.write(shown)
    return 0


async def _usable(engine: AsyncEngine) -> None:
    """Fail now, in one line, rather than while the server starts; and once, before workers do the same at a time."""
    if is_sqlite(engine):
        await upgrade(engine)
        await shop.seed(engine)  # SAMPLE


async def _with_engine(work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    engine = make_engine(Settings.from_environment().database_url)
    try:
        return await work(engine)
    finally:
        await engine.dispose()


def _workers(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 100:
        return int(text)
    raise ValueError(f"--workers: {text!r} is no number of workers, give one in 1-100")


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise ValueError(f"--port: {text!r} is no port, give a number in 0-65535")


def _first_problem(problem: ValidationError) -> str:
    first = problem.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    if problem.title == LogConfig.__name__:
        field = f"LOG_{field.upper()}"
    message = first["msg"].removeprefix("Value error, ").removeprefix(f"{field}: ")
    return f"{field}: {message}" if field else message


if __name__ == "__main__":
    sys.exit(main())
