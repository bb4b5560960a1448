"""SAMPLE: fraud detection. What stands here is its only door; delete the folder to fork without it."""

from .commands import add_commands
from .install import install

__all__ = ["add_commands", "install"]
