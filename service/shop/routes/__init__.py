"""The shop's routes."""

from .accounts import router as accounts
from .cart import router as cart
from .checkout import router as checkout
from .faults import router as faults
from .orders import router as orders
from .products import router as products

ROUTERS = (products, accounts, cart, checkout, orders)

__all__ = ["ROUTERS", "faults"]
