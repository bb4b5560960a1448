"""Lists of what has been reported, and how they come into Redis."""

from pathlib import Path

from .cached import CachedThreats
from .memory import MemoryThreats
from .redis import RedisThreats
from .threat import CATEGORIES, KINDS, Threat, ThreatList, read_list

SAMPLE_LIST = Path(__file__).parent / "sample.csv"

__all__ = [
    "CATEGORIES",
    "KINDS",
    "SAMPLE_LIST",
    "CachedThreats",
    "MemoryThreats",
    "RedisThreats",
    "Threat",
    "ThreatList",
    "read_list",
]
