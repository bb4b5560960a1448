"""The database schema, step by step."""

from .run import head, missing_since, upgrade

__all__ = ["head", "missing_since", "upgrade"]
