"""The catalogue of error codes."""

import pytest

from service.error_metrics import BaseAppException, ErrorDomain, ExceptionRegistry, register_exception


@pytest.fixture
def registry() -> ExceptionRegistry:
    """A catalogue with nothing but the framework's codes."""
    return ExceptionRegistry()


def test_the_framework_codes_are_reserved(registry: ExceptionRegistry) -> None:
    """They are there from the start, in order."""
    assert [entry.code for entry in registry] == [299, 399, 498, 499, 598, 599]
    assert len(registry) == 6


def test_registering_sets_code_message_and_status(registry: ExceptionRegistry) -> None:
    """The decorated class needs no further attribute."""

    @register_exception(305, status=404, team="catalogue", runbook="https://runbooks.example/305", registry=registry)
    class NoSuchShelf(BaseAppException):
        """There is no such shelf."""

    error = NoSuchShelf()
    assert (error.error_code, error.status_code, error.message) == (305, 404, "There is no such shelf")
    entry = registry.get(305)
    assert entry is not None
    assert (entry.name, entry.team, entry.runbook) == ("NoSuchShelf", "catalogue", "https://runbooks.example/305")
    assert entry.domain is ErrorDomain.RESOURCE
    assert 305 in registry


def test_a_message_can_be_given(registry: ExceptionRegistry) -> None:
    """It wins over the docstring."""

    @register_exception(306, "No shelf", registry=registry)
    class NoShelf(BaseAppException):
        """Something else."""

    assert NoShelf().message == "No shelf"


@pytest.mark.parametrize(("status", "severity"), [(404, "warning"), (500, "error")])
def test_severity_follows_the_status_unless_given(registry: ExceptionRegistry, status: int, severity: str) -> None:
    """The service's own failures are errors."""
    register_exception(307, status=status, registry=registry)(type("Some", (BaseAppException,), {}))
    assert registry.get(307).severity == severity  # type: ignore[union-attr]


def test_a_code_registered_twice_names_both_classes(registry: ExceptionRegistry) -> None:
    """Whoever comes second learns who was first."""
    register_exception(308, registry=registry)(type("First", (BaseAppException,), {"__module__": "one"}))
    with pytest.raises(ValueError, match=r"error code 308 of two\.Second already belongs to one\.First"):
        register_exception(308, registry=registry)(type("Second", (BaseAppException,), {"__module__": "two"}))


def test_a_framework_code_cannot_be_taken(registry: ExceptionRegistry) -> None:
    """The reserved codes belong to the framework."""
    with pytest.raises(ValueError, match="already belongs to the framework's own errors"):
        register_exception(499, registry=registry)(type("Mine", (BaseAppException,), {}))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"code": 10_000}, "error_code must be"),
        ({"code": 309, "status": 200}, "status_code must be"),
        ({"code": 309, "severity": "awful"}, "severity must be one of"),
    ],
)
def test_a_bad_entry_is_refused(registry: ExceptionRegistry, arguments: dict[str, object], reason: str) -> None:
    """The error names the class and the field."""
    with pytest.raises(ValueError, match=f"Bad: {reason}"):
        register_exception(**arguments, registry=registry)(type("Bad", (BaseAppException,), {}))  # type: ignore[arg-type]
    assert len(registry) == 6


def test_what_the_class_says_itself_is_kept() -> None:
    """The decorator adds only what is missing."""
    registry = ExceptionRegistry()

    @register_exception(901, registry=registry)
    class Refused(BaseAppException):
        """Not this sentence."""

        message = "This one"
        status_code = 409

    entry = registry.get(901)
    assert entry is not None
    assert (entry.message, entry.status, Refused().message, Refused().status_code) == ("This one", 409, "This one", 409)


def test_only_exceptions_of_the_tree_can_be_registered() -> None:
    """Raising another one would not bring its code along."""
    with pytest.raises(TypeError, match="only subclasses of BaseAppException have codes"):
        register_exception(902, registry=ExceptionRegistry())(ValueError)  # type: ignore[type-var]
