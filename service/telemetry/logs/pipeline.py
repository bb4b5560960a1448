"""From a logged line to the writer: left out, held until the request ends, or written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from service.error_metrics.measurement import MeasuredRequest
from service.telemetry.keeping import fraction
from service.telemetry.request_id import current_request

from .counts import RATE_LIMITED, REPEATED, SAMPLED, WRITE_FAILED, LogCounts
from .held import HeldLines, Room
from .lines import Line
from .sampler import LogSampler

_HELD, _VERDICT = "service.held_lines", "service.held_verdict"  # in the scope of a request


class Pipeline:
    """Takes every line of the process.

    Args:
        sampler: what is left out.
        counts: what is lost is counted here.
        write: takes a line and returns at once.

    Attributes:
        write: the same, for lines about which all is decided.
    """

    def __init__(self, sampler: LogSampler, counts: LogCounts, write: Callable[[Line], None]) -> None:
        self._sampler = sampler
        self._counts = counts
        self.write = write
        self._everything = sampler.keeps_everything()
        self._room = Room()

    def take(self, level: str, make: Callable[[str], Line]) -> None:
        """Make a line and deal with it. Never raises: who logs has other things to do."""
        try:
            self._take(make(level))
        except Exception:  # noqa: BLE001
            self._counts.dropped(level, WRITE_FAILED)

    def ends(self, request: MeasuredRequest, level: str | None, worth_keeping: bool) -> bool:
        """Write or drop what a request holds, now that it is known how it ended, and decide about its own line.

        Args:
            request: it is over.
            level: of its own line; None when none is made.
            worth_keeping: whether nothing of it is left out.

        Returns:
            Whether the line is to be written; one that is left out is counted.
        """
        scope = request.scope
        scope[_VERDICT] = worth_keeping
        held = self._released(request, worth_keeping) if _HELD in scope else None
        if level is None or worth_keeping or self._everything:
            return level is not None
        # Most requests have logged nothing else.
        reason = self._reason_alone(scope["state"], level) if held is None else self._reason_in(held, level)
        if reason is not None:
            self._counts.dropped(level, reason)
        elif level == "info":
            self._sampler.spend()
        return reason is None

    def _released(self, request: MeasuredRequest, worth_keeping: bool) -> HeldLines:
        held = self._held(request)
        held.verdict = worth_keeping
        for line, reason in held.release():
            self._settle(line, reason, worth_keeping)
        return held

    def _take(self, line: Line) -> None:
        if self._everything:
            return self.write(line)
        request = current_request()
        if request is None:
            return self._settle(line, self._reason_outside(line), False)
        held = self._held(request)
        reason = self._reason_in(held, line.level)
        if reason is None and self._sampler.repeats(line, request.where()):
            reason = REPEATED
        if reason is None and line.level == "info":
            self._sampler.spend()
        if reason is None or held.verdict is not None:
            return self._settle(line, reason, bool(held.verdict))
        lost = held.hold(line, reason)
        if lost is not None:
            self._settle(*lost, False)
        return None

    def _settle(self, line: Line, reason: str | None, all_the_same: bool) -> None:
        if reason is None or all_the_same:
            self.write(line)
        else:
            self._counts.dropped(line.level, reason)

    def _held(self, request: MeasuredRequest) -> HeldLines:
        held: HeldLines | None = request.scope.get(_HELD)
        state = request.scope["state"]
        identifier: str = state.get("trace_id") or state["request_id"]
        if held is None:
            held = request.scope[_HELD] = HeldLines(identifier, fraction(identifier), self._room)
            held.verdict = request.scope.get(_VERDICT)  # background tasks log when all is decided
        elif held.identifier is not identifier:  # a line came before the trace had an id
            held.identifier, held.share = identifier, fraction(identifier)
        return held

    def _reason_alone(self, state: Mapping[str, Any], level: str) -> str | None:
        if self._sampler.samples_out(level, fraction(state.get("trace_id") or state["request_id"])):
            return SAMPLED
        return RATE_LIMITED if level == "info" and not self._sampler.admits() else None

    def _reason_in(self, held: HeldLines, level: str) -> str | None:
        if self._sampler.samples_out(level, held.share):
            return SAMPLED
        if level != "info":
            return None
        if held.admitted is None:
            held.admitted = self._sampler.admits()
        return None if held.admitted else RATE_LIMITED

    def _reason_outside(self, line: Line) -> str | None:
        if line.level == "info" and not self._sampler.admits():
            return RATE_LIMITED
        if self._sampler.repeats(line, ""):
            return REPEATED
        if line.level == "info":
            self._sampler.spend()
        return None
