"""Asking the fraud service."""

from .http import HTTPFraudCheck, make_fraud_client

__all__ = ["HTTPFraudCheck", "make_fraud_client"]
