"""What users did before: the memory of the rules and of the model."""

from .fallback import FallbackHistory
from .memory import MemoryHistory
from .past import History, Past
from .redis import RedisHistory

__all__ = ["FallbackHistory", "History", "MemoryHistory", "Past", "RedisHistory"]
