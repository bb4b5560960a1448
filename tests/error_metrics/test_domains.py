"""Named ranges of error codes."""

import pytest

from service.error_metrics import ErrorDomain


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (199, "UNKNOWN"),
        (200, "AUTH"),
        (299, "AUTH"),
        (300, "RESOURCE"),
        (399, "RESOURCE"),
        (400, "VALIDATION"),
        (499, "VALIDATION"),
        (500, "SERVER"),
        (599, "SERVER"),
        (899, "UNKNOWN"),
        (900, "CUSTOM"),
        (999, "CUSTOM"),
        (1000, "UNKNOWN"),
    ],
)
def test_a_code_belongs_to_the_range_it_lies_in(code: int, name: str) -> None:
    """Both ends of a range belong to it."""
    assert str(ErrorDomain.from_code(code)) == name


def test_a_registered_domain_takes_its_codes(own_domains: None) -> None:
    """A further domain is found by code and by name, in order of its codes."""
    shipping = ErrorDomain.register("SHIPPING", 7000, 7099)
    assert ErrorDomain.from_code(7042) is shipping
    assert ErrorDomain.named("shipping") is shipping
    assert ErrorDomain.all()[-1] is shipping


def test_the_same_domain_can_be_registered_again(own_domains: None) -> None:
    """A module that is loaded twice registers its domain twice."""
    assert ErrorDomain.register("SHIPPING", 7000, 7099) is ErrorDomain.register("SHIPPING", 7000, 7099)


@pytest.mark.parametrize(
    ("name", "first", "last", "reason"),
    [
        ("SHIPPING", 250, 260, "overlaps AUTH 200-299"),
        ("SHIPPING", 100, 200, "overlaps AUTH 200-299"),
        ("SHIPPING", 7100, 7000, "must rise"),
        ("SHIPPING", -1, 10, "within 0-9999"),
        ("SHIPPING", 9000, 10000, "within 0-9999"),
        ("shipping", 7000, 7099, "A-Z"),
        ("", 7000, 7099, "A-Z"),
        ("SERVER", 7000, 7099, "name is taken"),
        ("UNKNOWN", 7000, 7099, "name is taken"),
    ],
)
def test_a_bad_domain_is_refused_with_the_reason(
    own_domains: None, name: str, first: int, last: int, reason: str
) -> None:
    """The error names the domain and what is wrong with it, in one line."""
    with pytest.raises(ValueError, match=reason) as caught:
        ErrorDomain.register(name, first, last)
    assert "\n" not in str(caught.value)


def test_unknown_can_be_named_but_holds_no_code() -> None:
    """UNKNOWN is a domain to ask for, not a range."""
    assert ErrorDomain.named("unknown") is ErrorDomain.UNKNOWN
    assert all(code not in ErrorDomain.UNKNOWN for code in range(10_000))
    assert ErrorDomain.named("nowhere") is None
