"""A FastAPI service template: a sample shop around the reusable `error_metrics` module."""
