"""The registered errors that the error routes raise when our module is installed."""

from service.error_metrics import BaseAppException, register_exception


@register_exception(code=9101, message="the item is sold out", status=409, send_to_sentry=True)
class SoldOut(BaseAppException):
    """Nothing is left of the item."""


@register_exception(code=9102, message="the user is gone", status=404, send_to_sentry=True)
class UserGone(BaseAppException):
    """The user left."""


@register_exception(code=9103, message="the order cannot be seen", status=422, send_to_sentry=True)
class OrderHidden(BaseAppException):
    """The order belongs to someone else."""


_BY_STATUS: dict[int, type[BaseAppException]] = {409: SoldOut, 404: UserGone, 422: OrderHidden}


def failure(status: int) -> Exception:
    """A new exception for the status, as domain code raises it."""
    return _BY_STATUS[status]()
