"""`/api/metrics`: what was counted and kept, as JSON and CSV."""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from . import models
from .collector import ErrorMetricsCollector
from .domains import MAX_CODE, ErrorDomain
from .events import ErrorEvent
from .export import as_csv, as_json
from .registry import ExceptionRegistry
from .snapshot import Counts
from .states import OTHER, Code
from .summary import RequestSummary
from .windows import MINUTE

MAX_LIMIT = 1000
MAX_MINUTES = 60 * 24 * 366
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many.")]
MaybeCode = Annotated[int | None, Query(ge=0, le=MAX_CODE, description="Only this code.")]
MaybeDomain = Annotated[str | None, Query(max_length=32, description="Only this domain.")]


class ExportFormat(StrEnum):
    """Formats of the export."""

    CSV = "csv"
    JSON = "json"


class DashboardAPI:
    """The routes below `/api/metrics`, in `router`; behind a bearer token when the config has one.

    Args:
        collector: what is shown.
        summary: figures of all requests.
        catalogue: names of codes.
    """

    def __init__(self, collector: ErrorMetricsCollector, summary: RequestSummary, catalogue: ExceptionRegistry) -> None:
        self._collector = collector
        self._summary = summary
        self._catalogue = catalogue
        collector.on_reset(summary.clear)
        self._config = collector.config
        self.guarded = self._config.dashboard_token is not None
        self.router = self._routes()

    def _routes(self) -> APIRouter:
        errors: dict[int | str, dict[str, Any]] = {422: {"model": models.Problem}}
        guards = []
        if self._config.dashboard_token is not None:
            errors[401] = {"model": models.Problem}
            guards.append(Depends(_token_guard(self._config.dashboard_token)))
        router = APIRouter(tags=["error metrics"], dependencies=guards, responses=errors)
        unknown: dict[int | str, dict[str, Any]] = {404: {"model": models.Problem}}
        refused: dict[int | str, dict[str, Any]] = {403: {"model": models.Problem}}
        router.get("", summary="Totals")(self.overview)
        router.get("/summary", summary="Figures of all requests")(self.summary)
        router.get("/dashboard", summary="All counts and windows")(self.dashboard)
        router.get("/recent", summary="Newest errors")(self.recent)
        router.get("/recent/{minutes}", summary="Errors of the last minutes")(self.recent_minutes)
        router.get("/by-code/{code}", summary="One code", responses=unknown)(self.by_code)
        router.get("/by-domain/{domain}", summary="One domain", responses=unknown)(self.by_domain)
        router.get("/top-errors", summary="Most frequent codes")(self.top_errors)
        router.get("/export", summary="The history as a file", response_class=Response, responses=_FILES)(self.export)
        router.post("/reset", summary="Forget all statistics", responses=refused)(self.reset)
        return router

    def overview(self) -> models.Overview:
        """Return the totals by code and by domain. Each process has its own share of them as Prometheus counters."""
        now = self._collector.snapshot()
        return models.Overview(
            total_errors=now.total_errors,
            by_code=_named(now),
            by_domain=dict(now.by_domain),
            top_errors=self._top(now, 10),
            last_updated=now.last_updated,
            degraded=now.degraded,
        )

    def summary(self) -> models.Summary:
        """Return counts and response times of all requests, and the ten newest errors."""
        figures = self._summary.figures()
        data = models.SummaryData(
            total_calls=figures.total_calls,
            total_errors=figures.total_errors,
            error_rate=figures.error_rate,
            avg_response_time=figures.mean,
            min_response_time=figures.minimum,
            max_response_time=figures.maximum,
            p50=figures.p50,
            p95=figures.p95,
            p99=figures.p99,
            recent_errors=_shown(self._collector.events()[:10]),
        )
        return models.Summary(data=data)

    def dashboard(self) -> models.Dashboard:
        """Return everything that the page at `/dashboard` shows, but for the events."""
        now = self._collector.snapshot()
        codes = list(now.by_code)
        return models.Dashboard(
            totals=models.Totals(
                total_errors=now.total_errors,
                dropped_events=now.dropped_events,
                label_overflow=now.label_overflow,
            ),
            by_code=_named(now),
            by_domain=dict(now.by_domain),
            names={str(code): self._name(code) for code in codes},
            domains={str(code): now.seen[code].domain for code in codes if code != OTHER},
            windows={name: _window(counts) for name, counts in now.windows.items()},
            timeline=models.Timeline(bucket_seconds=MINUTE, start=now.minutes_start, counts=list(now.minutes)),
            last_updated=now.last_updated,
            degraded=now.degraded,
            service=self._config.service,
            version=self._config.version,
            environment=self._config.environment,
        )

    def recent(
        self, limit: Limit = 50, error_code: MaybeCode = None, error_domain: MaybeDomain = None
    ) -> models.Recent:
        """Return the newest errors, of one code or domain if asked."""
        events = self._collector.events()
        if error_code is not None:
            events = [event for event in events if event.error_code == error_code]
        if error_domain is not None:
            events = [event for event in events if event.error_domain == error_domain.upper()]
        return _recent(events[:limit])

    def recent_minutes(
        self, minutes: Annotated[int, Path(ge=1, le=MAX_MINUTES)], limit: Limit = MAX_LIMIT
    ) -> models.Recent:
        """Return the errors of the last so many minutes, as far as the history reaches."""
        since = self._collector.now() - 60 * minutes
        events = [event for event in self._collector.events() if event.time >= since]
        return _recent(events[:limit])

    def by_code(self, code: Annotated[int, Path(ge=0, le=MAX_CODE)]) -> models.ByCode:
        """Return what is known of one code; 404 when it is neither in the catalogue nor has come."""
        now = self._collector.snapshot()
        seen = now.seen.get(code)
        if seen is None and code not in self._catalogue:
            other = " (or is one of those counted as `other`)" if now.label_overflow else ""
            raise HTTPException(404, f"error code {code} is not in the catalogue and has not occurred{other}")
        return models.ByCode(
            error_code=code,
            error_name=self._name(code),
            error_domain=ErrorDomain.from_code(code).name,
            count=now.by_code.get(code, 0),
            first_seen=seen.first_seen if seen else None,
            last_seen=seen.last_seen if seen else None,
            windows=dict(seen.windows) if seen else dict.fromkeys(now.windows, 0),
        )

    def by_domain(self, domain: Annotated[str, Path(max_length=32)]) -> models.ByDomain:
        """Return the codes of one domain, the most frequent first; 404 for a domain that is not registered."""
        known = ErrorDomain.named(domain)
        if known is None:
            names = ", ".join(each.name for each in ErrorDomain.all())
            raise HTTPException(404, f"there is no error domain {domain!r}; there are {names}")
        now = self._collector.snapshot()
        codes = {str(code): count for code, count in now.codes_of_domain.get(known.name, {}).items()}
        return models.ByDomain(domain=known.name, total_count=now.by_domain.get(known.name, 0), error_codes=codes)

    def top_errors(self, limit: Limit = 10) -> models.TopErrors:
        """Return the most frequent codes in order of their count."""
        return models.TopErrors(top_errors=self._top(self._collector.snapshot(), limit))

    def export(self, format: ExportFormat = ExportFormat.CSV) -> Response:  # noqa: A002  # the contract's name
        """Return the whole masked history, newest first, as a file."""
        events = self._collector.events()
        body, media_type = (as_csv(events), "text/csv") if format is ExportFormat.CSV else (as_json(events), _JSON)
        disposition = f'attachment; filename="errors.{format.value}"'
        return Response(body, media_type=media_type, headers={"Content-Disposition": disposition})

    def reset(self) -> models.Done:
        """Forget totals, windows, history and request figures. Prometheus counters go on. Refused in production."""
        if self._config.environment == "production":
            raise HTTPException(403, "statistics cannot be reset in production")
        self._collector.reset()
        return models.Done()

    def _top(self, counts: Counts, limit: int) -> list[models.TopError]:
        top = list(counts.by_code.items())[:limit]
        return [
            models.TopError(error_code=code, error_name=self._name(code), error_domain=_domain(code), count=count)
            for code, count in top
        ]

    def _name(self, code: Code) -> str:
        entry = self._catalogue.get(code) if isinstance(code, int) else None
        return entry.name if entry is not None else ""


_JSON = "application/json"
_FILES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}, _JSON: {}}, "description": "The file"}}


def _token_guard(token: str) -> Any:
    expected = token.encode()

    def guard(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    ) -> None:
        presented = given.credentials.encode() if given is not None else b""
        if not hmac.compare_digest(presented, expected):
            raise HTTPException(401, "a valid bearer token is needed", {"WWW-Authenticate": "Bearer"})

    return guard


def _domain(code: Code) -> str:
    return ErrorDomain.from_code(code).name if isinstance(code, int) else "UNKNOWN"


def _named(counts: Counts) -> dict[str, int]:
    return {str(code): count for code, count in counts.by_code.items()}


def _window(counts: Counts) -> models.Window:
    return models.Window(total_errors=counts.total_errors, by_code=_named(counts), by_domain=dict(counts.by_domain))


def _shown(events: list[ErrorEvent]) -> list[models.RecordedError]:
    return [models.RecordedError(**event.to_dict()) for event in events]


def _recent(events: list[ErrorEvent]) -> models.Recent:
    return models.Recent(count=len(events), recent_errors=_shown(events))
