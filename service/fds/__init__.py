"""SAMPLE: fraud detection. What stands here is its only door; delete the folder to fork without it."""

from .commands import add_commands, seed_threats
from .detection import FraudDetection
from .install import install
from .transaction import Transaction

__all__ = ["FraudDetection", "Transaction", "add_commands", "install", "seed_threats"]
