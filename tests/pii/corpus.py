"""The whole corpus: over two hundred made-up secrets, half of them generated, and over a hundred look-alikes."""

from __future__ import annotations

from .generated import GENERATED
from .handwritten import HANDWRITTEN
from .harmless import HARMLESS

SECRETS = [*HANDWRITTEN, *GENERATED]

__all__ = ["GENERATED", "HANDWRITTEN", "HARMLESS", "SECRETS"]
