"""Connections to Redis."""

from __future__ import annotations

import pytest

from service.redis_pool import make_redis


@pytest.mark.parametrize("url", ["redis://127.0.0.1?mood=good", "redis://127.0.0.1?socket_timeout=x", "http://x", "x"])
def test_an_address_that_can_not_be_used_is_refused_at_once(url: str) -> None:
    """Not with the first request."""
    with pytest.raises(ValueError, match=r"^redis_url: "):
        make_redis(url)
