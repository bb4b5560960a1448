"""What `/api/metrics` answers. Times are UTC.

Counts are since the start of the process; with a shared store, of all processes that it knows.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

ByName = dict[str, int]


class TopError(BaseModel):
    """A code and how often it came; `other` stands for the codes past the limit."""

    error_code: int | str
    error_name: str
    error_domain: str
    count: int


class RecordedError(BaseModel):
    """One recorded error, masked. `path` is the route template."""

    error_code: int
    error_name: str
    error_domain: str
    message: str
    status_code: int
    method: str | None
    path: str | None
    timestamp: datetime
    request_id: str | None
    trace_id: str | None


class Overview(BaseModel):
    """Totals by code and by domain; both add up to `total_errors`."""

    total_errors: int
    by_code: ByName
    by_domain: ByName
    top_errors: list[TopError]
    last_updated: datetime | None
    degraded: bool = Field(description="A shared store is away: counts are this process's own, or lost with it.")


class SummaryData(BaseModel):
    """Figures of all measured requests. Times in seconds, null before the first request.

    Percentiles are over the newest 4,096 requests. `total_errors` are answers of status 400 and above, `error_rate`
    their share in percent.
    """

    total_calls: int
    total_errors: int
    error_rate: float
    avg_response_time: float | None
    min_response_time: float | None
    max_response_time: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    recent_errors: list[RecordedError]


class Summary(BaseModel):
    """The figures, in an envelope."""

    success: bool = True
    data: SummaryData


class Totals(BaseModel):
    """Errors, and what was not kept or not told apart."""

    total_errors: int
    dropped_events: int
    label_overflow: int


class Window(BaseModel):
    """Counts of one window."""

    total_errors: int
    by_code: ByName
    by_domain: ByName


class Timeline(BaseModel):
    """Errors of the last hour in equal buckets, the oldest first."""

    bucket_seconds: int
    start: datetime
    counts: list[int]


class Dashboard(BaseModel):
    """All that the page shows, but for the events."""

    totals: Totals
    by_code: ByName
    by_domain: ByName
    names: dict[str, str]
    domains: dict[str, str]
    windows: dict[str, Window]
    timeline: Timeline
    last_updated: datetime | None
    degraded: bool
    service: str
    version: str
    environment: str


class Recent(BaseModel):
    """Events, the newest first."""

    count: int
    recent_errors: list[RecordedError]


class ByCode(BaseModel):
    """One code. `first_seen` and `last_seen` are null while it has not come."""

    error_code: int
    error_name: str
    error_domain: str
    count: int
    first_seen: datetime | None
    last_seen: datetime | None
    windows: ByName


class ByDomain(BaseModel):
    """One domain and its codes."""

    domain: str
    total_count: int
    error_codes: ByName


class TopErrors(BaseModel):
    """Codes in order of their count."""

    top_errors: list[TopError]


class Done(BaseModel):
    """It is done."""

    success: bool = True


class Problem(BaseModel):
    """The body of every error answer."""

    error_code: int
    message: str
    detail: object = None
    timestamp: datetime
    error_name: str
    request_id: str | None
    trace_id: str | None
