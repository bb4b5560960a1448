"""Label values that clients can't multiply."""

import pytest

from service.telemetry import CardinalityLimiter


def test_the_first_values_keep_their_names() -> None:
    """Also after the limit is reached."""
    limit = CardinalityLimiter(2)
    assert [limit(value) for value in ("a", "b", "c", "a", "d")] == ["a", "b", "other", "a", "other"]
    assert limit.knows("a")
    assert not limit.knows("c")


def test_each_value_that_is_turned_away_is_reported() -> None:
    """So that somebody notices."""
    turned_away: list[int] = []
    limit = CardinalityLimiter(1, "/other", lambda: turned_away.append(1))
    assert [limit(value) for value in ("a", "b", "b")] == ["a", "/other", "/other"]
    assert len(turned_away) == 2


def test_a_limit_below_one_is_refused() -> None:
    """The error names the field."""
    with pytest.raises(ValueError, match="limit: must be 1 or more"):
        CardinalityLimiter(0)
