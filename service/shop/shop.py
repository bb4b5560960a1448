"""The shop in one object, from which routes take what they need."""

from __future__ import annotations

from datetime import datetime

from service.database_access import Database
from service.partners import Partners

from .accounts import Passwords, Sessions, Throttle, find_user, register
from .active_users import ActiveUsers
from .cart import Carts
from .catalogue import Catalogue
from .checkout import Checkout
from .errors import TooManyAttempts, WrongCredentials
from .faults import Faults
from .record import record_login, record_registration
from .tables import User


class Shop:
    """Puts accounts, catalogue, cart and checkout together."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        throttle: Throttle,
        catalogue: Catalogue,
        checkout: Checkout,
        active: ActiveUsers,
        faults: Faults,
        partners: Partners,
    ) -> None:
        self._database = database
        self._throttle = throttle
        self.sessions = sessions
        self.passwords = Passwords()
        self.catalogue = catalogue
        self.cart = Carts(database)
        self.checkout = checkout
        self.orders = checkout.orders
        self.active = active
        self.faults = faults
        self.partners = partners

    async def register(self, email: str, password: str, country: str) -> User:
        """Open an account.

        Raises:
            EmailTaken: there is one with this address.
        """
        hashed = await self.passwords.hashed(password)
        async with self._database() as session:
            user = await register(session, email, hashed, country)
        record_registration()
        return user

    async def log_in(self, email: str, password: str, address: str) -> tuple[str, datetime]:
        """Return the token of a new login, and when it expires.

        Raises:
            WrongCredentials: address or password is wrong; which of them is not told.
            TooManyAttempts: too many logins failed lately.
        """
        try:
            async with self._throttle.trying(email.lower(), address):
                user = await self._found(email, password, address)
        except TooManyAttempts:
            record_login("throttled")
            raise
        record_login("success")
        return await self.sessions.begin(user)

    async def _found(self, email: str, password: str, address: str) -> User:
        async with self._database() as session:
            user = await find_user(session, email)
        if not await self.passwords.match(user.password_hash if user is not None else None, password) or user is None:
            await self._throttle.failed(email.lower(), address)
            record_login("failure")
            raise WrongCredentials
        return user
