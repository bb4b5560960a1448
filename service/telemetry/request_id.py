"""The id by which a request is found again: in its answer, in its errors, in logs."""

from __future__ import annotations

import re
from contextvars import ContextVar, Token

from service.error_metrics.events import new_request_id
from service.error_metrics.measurement import Headers, MeasuredRequest, RequestObserver

HEADER = b"x-request-id"
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_BEFORE = "service.request_before"  # in the scope: what the variable below was set to
_current: ContextVar[MeasuredRequest | None] = ContextVar("current_request", default=None)


class RequestIds(RequestObserver):
    """Takes over the client's `X-Request-ID`, or makes one, and returns it in the answer.

    An id is taken over when there is one only, of at most 128 letters, digits, dots, dashes and underscores; anything
    else could forge a log line or fill a store. It is `scope["state"]["request_id"]` while the request runs.
    """

    def started(self, request: MeasuredRequest) -> None:
        """Give the request its id."""
        given = [value for name, value in request.scope["headers"] if name == HEADER]
        taken = len(given) == 1 and _WELL_FORMED.fullmatch(given[0]) is not None
        request.scope.setdefault("state", {})["request_id"] = given[0].decode() if taken else new_request_id()
        request.scope[_BEFORE] = _current.set(request)

    def answering(self, request: MeasuredRequest, headers: Headers) -> None:
        """Tell the client, unless the application has."""
        if not any(name.lower() == HEADER for name, _ in headers):
            headers.append((HEADER, request.scope["state"]["request_id"].encode()))

    def left(self, request: MeasuredRequest) -> None:
        """Let what runs on in this context be outside the request again."""
        before: Token[MeasuredRequest | None] = request.scope.pop(_BEFORE)
        _current.reset(before)


def current_request() -> MeasuredRequest | None:
    """Return the request that this task, or the thread that it started, works for."""
    return _current.get()
