"""The shop's errors. A leaf is a name, a code and a sentence.

BaseAppException
├── LoginRequired, WrongCredentials, TooManyAttempts                     AUTH
├── UnknownProduct, UnknownOrder                                         RESOURCE
├── OutOfStock, InstalmentsNotOffered, KeyReused, CheckoutRunning,
│   CartEmpty, WrongState, EmailTaken                                    VALIDATION
└── PaymentDeclined, OrderAlreadyPaid, PaymentBlocked, CodeRequired,
    UnderReview, FraudCheckFailed                                        PAYMENT, a domain of the shop's own
"""

from service.error_metrics import BaseAppException, ErrorDomain, register_exception

PAYMENT = ErrorDomain.register("PAYMENT", 600, 699)


@register_exception(code=201, status=401, severity="info", team="accounts")
class LoginRequired(BaseAppException):
    """Log in first: send the token of /v1/sessions as a bearer token."""


@register_exception(code=202, status=401, severity="info", team="accounts")
class WrongCredentials(BaseAppException):
    """E-mail address or password is wrong."""


@register_exception(code=203, status=429, severity="warning", team="accounts")
class TooManyAttempts(BaseAppException):
    """Too many failed logins; try again later."""


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


@register_exception(code=413, status=422, severity="info", team="checkout")
class KeyReused(BaseAppException):
    """This Idempotency-Key belongs to another checkout; use a new one."""


@register_exception(code=414, status=409, severity="info", team="checkout")
class CheckoutRunning(BaseAppException):
    """The checkout of this Idempotency-Key is under way; ask again in a moment."""


@register_exception(code=415, status=409, severity="info", team="checkout")
class CartEmpty(BaseAppException):
    """There is nothing in the cart."""


@register_exception(code=416, status=409, severity="info", team="checkout")
class WrongState(BaseAppException):
    """The order is not in a state that allows this."""


@register_exception(code=417, status=409, severity="info", team="accounts")
class EmailTaken(BaseAppException):
    """There is an account with this e-mail address."""


@register_exception(code=601, status=402, severity="warning", team="payments")
class PaymentDeclined(BaseAppException):
    """The card issuer declined the payment."""


@register_exception(code=602, status=409, severity="warning", team="payments")
class OrderAlreadyPaid(BaseAppException):
    """The order is paid already."""


@register_exception(code=603, status=403, severity="warning", team="fraud")
class PaymentBlocked(BaseAppException):
    """The payment was refused, and the order is cancelled."""


@register_exception(code=604, status=403, severity="info", team="payments")
class CodeRequired(BaseAppException):
    """The bank's confirmation code is missing or wrong."""


@register_exception(code=605, status=409, severity="info", team="fraud")
class UnderReview(BaseAppException):
    """The order is being reviewed; it can be paid once it is released."""


@register_exception(code=606, status=503, severity="error", team="fraud")
class FraudCheckFailed(BaseAppException):
    """The fraud check gave no verdict, so the order waits for a person."""
