"""The shop's errors. A leaf is a name, a code and a sentence.

BaseAppException
├── UnknownProduct, UnknownOrder          RESOURCE
├── OutOfStock, InstalmentsNotOffered     VALIDATION
└── PaymentDeclined, OrderAlreadyPaid     PAYMENT, a domain of the shop's own
"""

from service.error_metrics import BaseAppException, ErrorDomain, register_exception

PAYMENT = ErrorDomain.register("PAYMENT", 600, 699)


@register_exception(code=301, status=404, severity="info", team="catalogue")
class UnknownProduct(BaseAppException):
    """There is no such product."""


@register_exception(code=302, status=404, severity="info", team="checkout")
class UnknownOrder(BaseAppException):
    """There is no such order."""


@register_exception(code=411, status=409, severity="warning", team="checkout")
class OutOfStock(BaseAppException):
    """The ordered quantity is larger than the stock."""


@register_exception(code=412, status=409, severity="info", team="checkout")
class InstalmentsNotOffered(BaseAppException):
    """This number of instalments is not offered."""


@register_exception(code=601, status=402, severity="warning", team="payments")
class PaymentDeclined(BaseAppException):
    """The card issuer declined the payment."""


@register_exception(code=602, status=409, severity="warning", team="payments")
class OrderAlreadyPaid(BaseAppException):
    """The order is paid already."""
