"""Fixtures of the module's tests."""

from __future__ import annotations

import pytest

from service.error_metrics import ErrorDomain, ErrorMetricsCollector, MetricsConfig


class Clock:
    """A clock that moves when told."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def own_domains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget, after the test, the domains that it registers."""
    monkeypatch.setattr(ErrorDomain, "_known", dict(ErrorDomain._known))


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def collector(clock: Clock) -> ErrorMetricsCollector:
    """A collector that works in the caller's thread."""
    return ErrorMetricsCollector(MetricsConfig.testing(), clock=clock)
