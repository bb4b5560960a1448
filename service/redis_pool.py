"""The connections to Redis, which everything here can do without."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.asyncio import Redis

CONNECT_SECONDS, ANSWER_SECONDS = 0.25, 0.5
MAX_CONNECTIONS = 64


def make_redis(url: str) -> Redis:
    """Return a client with a pool of connections; it connects on first use, and gives up soon.

    Raises:
        ValueError: the URL is malformed, or the client library is missing.
    """
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
    except ModuleNotFoundError:
        raise ValueError("redis_url: its client is missing: pip install redis") from None
    try:
        # Many at once wait for each other: to refuse them would look like a Redis that is away, and open its breaker.
        pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            url,
            timeout=ANSWER_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            max_connections=MAX_CONNECTIONS,
            retry=None,  # whoever asks has a breaker and something else to do
        )
        pool.make_connection()  # type: ignore[no-untyped-call]  # nothing is sent, but options of the URL are looked at
    except (ValueError, TypeError) as problem:
        raise ValueError(f"redis_url: {str(problem).splitlines()[0]}") from None
    return Redis.from_pool(pool)
