"""Users, logins and what keeps others from guessing passwords."""

from .passwords import Passwords
from .sessions import Login, Sessions
from .throttle import Throttle
from .users import find_user, register

__all__ = ["Login", "Passwords", "Sessions", "Throttle", "find_user", "register"]
