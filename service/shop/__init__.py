"""SAMPLE: a small shop. `install` is its only door; delete the folder to fork without it."""

from .install import install

__all__ = ["install"]
