"""Which requests are worth keeping: one rule for exemplars, held log lines and traces, so that no link is dead."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from starlette.types import Scope

from service.error_metrics.classify import classify
from service.error_metrics.events import RequestContext
from service.error_metrics.measurement import MeasuredRequest
from service.error_metrics.registry import default_registry
from service.telemetry.request_id import current_request

SLOW_SECONDS = 1.0
MARKED_FRACTION = 0.05
_SEVERE = ("error", "critical")
_SEVERE_ERROR = "service.severe_error"  # in the scope
_RANGE = float(1 << 32)
_GOLDEN = 0x9E37_79B1  # Knuth's multiplicative hash: a CRC alone is uneven over ids that count upwards


def fraction(identifier: str) -> float:
    """Return a number in [0, 1) that every process computes alike from a trace or request id.

    What is kept at one rate is kept at every higher one. The id itself would do if nobody but us made ids.
    """
    mixed = crc32(identifier.encode("utf-8", "replace")) * _GOLDEN & 0xFFFF_FFFF
    return mixed / _RANGE


def worth_keeping(request: MeasuredRequest) -> bool:
    """Tell of a request that is over whether it failed, was slow, or is one of the few kept in any case.

    It failed when its status is 500 or above, or when an error of severity `error` or `critical` was recorded.
    """
    if request.status >= 500 or request.duration > SLOW_SECONDS or failed_severely(request):
        return True
    return "state" in request.scope and "trace_marked" in request.scope["state"]


def failed_severely(request: MeasuredRequest) -> bool:
    """Tell whether an error was recorded that its catalogue entry calls an error, whatever the answer was."""
    if _SEVERE_ERROR in request.scope:
        return True
    return request.error is not None and _is_severe(classify(request.error)[0])


def note_error(code: int) -> None:
    """Remember a severe error for the request in which it was recorded; a collector tells of each (`noted`)."""
    request = current_request()
    if request is not None and _is_severe(code):
        request.scope[_SEVERE_ERROR] = True


def context_at_hand(describe: Callable[[Scope], RequestContext]) -> Callable[[], RequestContext]:
    """Return what tells a collector of the request in which an error is recorded that is not its answer."""

    def at_hand() -> RequestContext:
        request = current_request()
        return {} if request is None else describe(request.scope)

    return at_hand


def _is_severe(code: int) -> bool:
    entry = default_registry.get(code)
    return entry is not None and entry.severity in _SEVERE
