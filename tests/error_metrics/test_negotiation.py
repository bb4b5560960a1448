"""Accept and Accept-Language."""

import pytest

from service.error_metrics.negotiation import accepts, best_locale, qualities

OFFERED = frozenset({"en", "ko", "pt-br"})


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("ko", "ko"),
        ("KO-kr", "ko"),
        ("fr, ko;q=0.5", "ko"),
        ("ko;q=0.1, en;q=0.9", "en"),
        ("pt-BR", "pt-br"),
        ("pt", None),
        ("ko;q=0", None),
        ("fr", None),
        ("", None),
        (";;;,,,=", None),
        ("ko;q=abc, en;q=0.1", "en"),
    ],
)
def test_the_best_offered_locale_is_chosen(header: str, locale: str | None) -> None:
    """A region is satisfied by its language."""
    assert best_locale(header, OFFERED) == locale


def test_equal_weights_keep_their_order() -> None:
    """The first is liked best."""
    assert [value for value, _ in qualities("b, a, c;q=0.5")] == ["b", "a", "c"]


def test_a_refused_type_is_not_accepted() -> None:
    """A weight of 0 is a no."""
    assert accepts("text/html, application/problem+json;q=0.1", "application/problem+json")
    assert not accepts("application/problem+json;q=0", "application/problem+json")


def test_an_endless_header_is_read_in_part() -> None:
    """Its length costs nothing."""
    assert len(qualities("a," * 100_000)) <= 20
