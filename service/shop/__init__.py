"""SAMPLE: a small shop. What stands here is its only door; delete the folder to fork without it."""

from .domain.fraud import FraudCheck, PaymentFacts, Verdict
from .fraud import make_fraud_client
from .install import LOCALES, install
from .seed import seed

__all__ = ["LOCALES", "FraudCheck", "PaymentFacts", "Verdict", "install", "make_fraud_client", "seed"]
