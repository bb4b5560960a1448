"""Clients of Redis that give up soon and never try again by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

TIMEOUT = 1.0
# The same URL may serve other clients, whose options win in `from_url`.
OPTIONS = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "decode_responses": False}


def connector(url: str) -> Callable[[], Redis]:
    """Return what makes a client; nothing is sent before it is used.

    Raises:
        ValueError: the package redis is missing. What is returned raises it where the URL can't be used.
    """
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise ValueError("redis_url: the package is missing, pip install redis") from None

    def connect() -> Redis:
        # Retrying is the turn's part: within one call it would only make a hanging Redis hang longer.
        try:
            client = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
        except (ValueError, TypeError) as problem:
            raise ValueError(f"redis_url: {problem}") from None
        client.connection_pool.connection_kwargs.update(OPTIONS)
        return client

    return connect


def close_all(clients: list[Redis]) -> None:
    """Close clients and empty their list."""
    while clients:
        clients.pop().close()
