"""Accept and Accept-Language."""

import pytest

from service.error_metrics.negotiation import acceptable_locales, prefers, qualities

OFFERED = frozenset({"en", "ko", "pt-br", "zh-hant"})


@pytest.mark.parametrize(
    ("header", "locales"),
    [
        ("ko", ["ko"]),
        ("KO-kr", ["ko"]),
        ("fr, ko;q=0.5", ["ko"]),
        ("ko;q=0.1, en;q=0.9", ["en", "ko"]),
        ("pt-BR", ["pt-br"]),
        ("pt", []),
        ("zh-Hant-TW", ["zh-hant"]),
        ("zh-Hant-x-private", ["zh-hant"]),
        ("zh-Hans", []),
        ("en-GB, en", ["en"]),
        ("ko;q=0", []),
        ("fr", []),
        ("*", []),
        ("", []),
        (";;;,,,=", []),
        ("ko;q=abc, en;q=0.1", ["en"]),
    ],
)
def test_the_offered_locales_that_a_client_accepts_are_found(header: str, locales: list[str]) -> None:
    """The best first; a region or script is satisfied by what is more general, not the other way round."""
    assert acceptable_locales(header, OFFERED) == locales


def test_equal_weights_keep_their_order() -> None:
    """The first is liked best."""
    assert [value for value, _ in qualities("b, a, c;q=0.5")] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("header", "preferred"),
    [
        ("application/problem+json", True),
        ("application/json, application/problem+json", True),
        ("text/html, application/problem+json;q=0.1", True),
        ("application/json, application/problem+json;q=0.1", False),
        ("application/problem+json;q=0", False),
        ("application/problem+json;q=nan", False),
        ("application/json", False),
        ("*/*", False),
    ],
)
def test_a_type_is_preferred_when_it_is_named_and_liked_no_less(header: str, preferred: bool) -> None:
    """A weight of 0 is a no, and so is one that can't be read."""
    assert prefers(header, "application/problem+json", "application/json") is preferred


def test_an_endless_header_is_read_in_part() -> None:
    """Its length costs nothing."""
    assert len(qualities("a," * 100_000)) <= 20
