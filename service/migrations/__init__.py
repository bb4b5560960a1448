"""The database schema, step by step."""

from .run import head, upgrade

__all__ = ["head", "upgrade"]
