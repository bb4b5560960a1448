"""BaseAppException."""

import copy
import pickle
from datetime import UTC, datetime, timedelta

import pytest

from service.error_metrics import BaseAppException, ErrorDomain


class LostParcel(BaseAppException):
    """The parcel is lost.

    Nobody knows where.
    """

    error_code = 310
    status_code = 410


def test_everything_can_be_given_when_raising() -> None:
    """A plain exception takes code, message, status, detail and headers."""
    error = BaseAppException(901, "out of coffee", 503, {"beans": 0}, {"Retry-After": "60"})
    assert (error.error_code, error.message, error.status_code) == (901, "out of coffee", 503)
    assert (error.detail, error.headers, str(error)) == ({"beans": 0}, {"Retry-After": "60"}, "out of coffee")


def test_a_leaf_needs_only_class_attributes_and_a_docstring() -> None:
    """The message is the first line of the docstring, without its full stop."""
    error = LostParcel()
    assert (error.error_code, error.status_code, error.message) == (310, 410, "The parcel is lost")
    assert error.domain is ErrorDomain.RESOURCE


def test_arguments_win_over_the_class() -> None:
    """One raise may say more than its class."""
    error = LostParcel(message="gone for good", status_code=404)
    assert (error.message, error.status_code, LostParcel.status_code) == ("gone for good", 404, 410)


def test_a_leaf_without_docstring_is_called_by_its_name() -> None:
    """There is always a message."""

    class Nameless(BaseAppException):
        error_code = 311

    assert Nameless().message == "Nameless"


def test_to_dict_is_what_the_client_is_told() -> None:
    """It holds code, message, detail, time and name, and nothing else."""
    error = LostParcel(detail=[1, 2])
    assert error.to_dict() == {
        "error_code": 310,
        "message": "The parcel is lost",
        "detail": [1, 2],
        "timestamp": error.timestamp.isoformat(),
        "error_name": "LostParcel",
    }


def test_the_timestamp_is_now_in_utc() -> None:
    """The moment of raising, with its time zone."""
    timestamp = LostParcel().timestamp
    assert timestamp.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - timestamp) < timedelta(seconds=5)


@pytest.mark.parametrize("code", [-1, 10_000, 3.5, "310", True, None])
def test_a_bad_code_is_refused(code: object) -> None:
    """The error names class and field."""
    with pytest.raises(ValueError, match=r"BaseAppException: error_code must be an integer in 0-9999"):
        BaseAppException(code, "text")  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [200, 399, 600, "500"])
def test_a_bad_status_is_refused(status: object) -> None:
    """An error can't be answered with success."""
    with pytest.raises(ValueError, match="LostParcel: status_code must be an integer in 400-599"):
        LostParcel(status_code=status)  # type: ignore[arg-type]


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])  # noqa: S301
def test_an_error_survives_being_copied_to_another_process(clone: object) -> None:
    """Task queues pickle exceptions."""
    error = LostParcel(detail={"id": 7})
    twin = clone(error)  # type: ignore[operator]
    assert type(twin) is LostParcel
    assert (twin.to_dict(), twin.args) == (error.to_dict(), error.args)
