"""Lists of what has been reported, and how they come into Redis."""

from .cached import CachedThreats
from .memory import MemoryThreats
from .redis import RedisThreats
from .threat import CATEGORIES, KINDS, Threat, ThreatList, read_list

__all__ = ["CATEGORIES", "KINDS", "CachedThreats", "MemoryThreats", "RedisThreats", "Threat", "ThreatList", "read_list"]
