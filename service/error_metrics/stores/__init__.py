"""Where events are kept, and where processes publish what they have counted.

Memory is the default. With `redis_url` or `storage_path` there is a `SharedStore` besides, which makes one picture of
several processes; its module is imported only then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from ..config import MetricsConfig
from ..events import ErrorEvent
from .memory import MemoryStore
from .own import Own

if TYPE_CHECKING:
    from .shared import SharedStore

__all__ = ["EventStore", "MemoryStore", "Own", "shared_store"]


class EventStore(Protocol):
    """A bounded history of masked events."""

    def extend(self, events: Iterable[ErrorEvent]) -> None:
        """Keep events, the oldest given first."""
        ...

    def newest_first(self) -> list[ErrorEvent]:
        """Return what is kept and not expired."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...


def shared_store(config: MetricsConfig, own: Own) -> SharedStore | None:
    """Return the store that the settings ask for, not started; None if they ask for none.

    Raises:
        ValueError: a package is missing, the system has no locks, or the URL has options that nobody knows.
    """
    if not config.enabled:
        return None
    size, retention = config.max_history_size, config.retention_hours * 3600
    if config.redis_url is not None:
        from .redis import RedisStore

        return RedisStore(config.redis_url, (config.service, config.environment), own, size, retention)
    if config.storage_path is not None:
        try:
            from .disk import DiskStore
        except ModuleNotFoundError:
            raise ValueError("storage_path: this system has no locks on files (fcntl), use redis_url") from None
        return DiskStore(config.storage_path, own, size, retention)
    return None
