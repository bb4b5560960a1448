"""From a cart to a paid order."""

from .checkout import Checkout, CheckoutRequest
from .orders import Orders
from .payments import Attempt, Card, Issuer

__all__ = ["Attempt", "Card", "Checkout", "CheckoutRequest", "Issuer", "Orders"]
