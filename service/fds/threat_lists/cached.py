"""Answers of another list, kept for a minute; they are used longer when the list can't be asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic
from typing import NamedTuple

from service.telemetry.cache import CacheMetrics
from service.telemetry.circuit_breaker import CircuitBreaker

from .threat import Threat, ThreatList

SECONDS = 60.0
MAX_ENTRIES = 50_000


class _Answer(NamedTuple):
    at: float
    threat: Threat | None


class CachedThreats:
    """Remembers what another list said, also that something is not listed.

    Args:
        threats: the list.
        breaker: keeps from asking a list that does not answer.
        metrics: counts hits and misses of the cache `threats`; None counts nothing.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        threats: ThreatList,
        breaker: CircuitBreaker,
        metrics: CacheMetrics | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._threats = threats
        self._breaker = breaker
        self._counters = (metrics.misses.labels("threats"), metrics.hits.labels("threats")) if metrics else None
        self._clock = clock
        self._answers: OrderedDict[str, _Answer] = OrderedDict()

    async def find(self, keys: Sequence[str]) -> list[Threat | None]:
        """Return the entry of each key.

        Raises:
            Exception: the list can't be asked, and did not say anything about one of the keys before.
        """
        now = self._clock()
        known = {key: answer.threat for key in keys if (answer := self._answers.get(key)) and now - answer.at < SECONDS}
        old = [key for key in keys if key not in known]
        if self._counters is not None:
            self._counters[0].inc(len(old))
            self._counters[1].inc(len(known))
        if old:
            known |= await self._ask(old, now)
        return [known[key] for key in keys]

    async def _ask(self, keys: Sequence[str], now: float) -> dict[str, Threat | None]:
        try:
            with self._breaker.guarding():
                found = dict(zip(keys, await self._threats.find(keys), strict=True))
        except Exception:
            if all(key in self._answers for key in keys):
                return {key: self._answers[key].threat for key in keys}  # an old answer is better than none
            raise
        for key, threat in found.items():
            self._answers[key] = _Answer(now, threat)
            self._answers.move_to_end(key)
        while len(self._answers) > MAX_ENTRIES:
            self._answers.popitem(last=False)
        return found
