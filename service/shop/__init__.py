"""SAMPLE: a small shop. What stands here is its only door; delete the folder to fork without it."""

from .install import LOCALES, install
from .seed import seed, seed_and_tell

__all__ = ["LOCALES", "install", "seed", "seed_and_tell"]
