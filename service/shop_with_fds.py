"""SAMPLE: which of shop and fraud detection a process serves, and how the one reaches the other."""

from __future__ import annotations

import time
from dataclasses import asdict

from fastapi import FastAPI

from service import fds, shop
from service.fds import FraudDetection, Transaction
from service.partners import Partners
from service.resources import Resources
from service.settings import NO_SECRET, Settings
from service.shop import FraudCheck, PaymentFacts, Verdict


def install_samples(app: FastAPI, resources: Resources, settings: Settings) -> None:
    """Add what `settings.service_app` names: `shop`, `fds`, or both in one process."""
    partners, detection = Partners(settings.api_keys), None
    # Without keys everybody may ask, and teach what was fraud: not outside development.
    callers = partners if settings.api_keys or settings.environment != "development" else None
    if settings.service_app != "shop":
        detection = fds.install(app, resources, callers, faults_enabled=settings.faults_enabled)
    if settings.service_app == "fds":
        if callers is not None and not settings.api_keys:
            raise ValueError(
                "api_keys: nobody could ask the fraud service, set shop:<key>, and that as FDS_KEY of the shop"
            )
        return
    if settings.fds_url is not None:
        fraud: FraudCheck = shop.make_fraud_client(
            settings.fds_url, settings.fds_key, resources, app.state.error_metrics.record
        )
        app.state.watchers.append(fraud)
    elif detection is not None:
        fraud = FraudCheckInProcess(detection)
    else:
        raise ValueError("fds_url: the shop alone asks a fraud service, set FDS_URL or serve --app all")
    if settings.environment == "production" and settings.fingerprint_key == NO_SECRET:
        raise ValueError("fingerprint_key: production needs one of its own, try `openssl rand -hex 16`")
    shop.install(
        app,
        resources,
        fraud,
        fingerprint_key=settings.fingerprint_key,
        partners=partners,
        faults_enabled=settings.faults_enabled,
    )


class FraudCheckInProcess(FraudCheck):
    """Asks the fraud detection of this process.

    Args:
        detection: judges.
    """

    def __init__(self, detection: FraudDetection) -> None:
        self._detection = detection

    async def evaluate(self, facts: PaymentFacts) -> Verdict:
        """Return its verdict."""
        found = await self._detection.evaluate(Transaction(**asdict(facts), at=time.time()))
        return Verdict(found.decision, found.score, found.factors)
