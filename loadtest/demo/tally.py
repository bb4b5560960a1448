"""What came of the traffic."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts.

    Attributes:
        answered: answers by service.
        statuses: answers by status.
        codes: error answers by their code, those without one by status as `http-404`.
        decisions: checkouts by what became of them.
        labels: payments of which the fraud service was told what they were, as `fraud` or `honest`.
        skipped: turns that were left out, because too many requests were under way.
        unanswered: requests that got no answer, by service.
        silent: what is wrong with a service that does not answer just now.
        odd: answers that nobody could make sense of.
    """

    answered: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    silent: dict[str, str] = field(default_factory=dict)
    odd: int = 0

    @property
    def requests(self) -> int:
        """Requests that were sent."""
        return self.statuses.total() + self.unanswered.total()

    def note_answer(self, service: str, status: int, code: object) -> None:
        """Count an answer."""
        self.note_reached(service)
        self.statuses[status] += 1
        if status >= 400:
            self.codes[f"http-{status}" if code is None else str(code)] += 1

    def note_reached(self, service: str) -> None:
        """Note that somebody answers there."""
        self.answered[service] += 1
        self.silent.pop(service, None)

    def note_silence(self, service: str, problem: Exception) -> None:
        """Count a request that nobody answered."""
        self.unanswered[service] += 1
        self.silent[service] = type(problem).__name__
