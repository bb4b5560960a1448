"""From a cart to a paid order."""

from .checkout import Checkout, CheckoutRequest
from .orders import Orders
from .payments import Card, Issuer

__all__ = ["Card", "Checkout", "CheckoutRequest", "Issuer", "Orders"]
