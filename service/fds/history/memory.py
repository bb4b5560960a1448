"""The history of one process, for one process: bounded, and gone with it."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import NamedTuple, TypeVar

from service.fds.transaction import Transaction

from .past import DAY, HOUR, MAX_ATTEMPTS, MAX_KNOWN, MAX_SHARERS, MINUTE, SMALL, Past, habits

T = TypeVar("T")
MAX_USERS = MAX_DEVICES = 50_000
MAX_RECENT = 25_000
"""Attempts of all users together, about 9 MB; with more than seven a second the oldest go before their hour is over."""


class _Attempt(NamedTuple):
    transaction_id: str
    at: float
    amount: int
    card: str


class _User:
    __slots__ = ("attempts", "countries", "devices", "last_at", "last_country", "payments", "squares", "total")

    def __init__(self) -> None:
        self.attempts: deque[_Attempt] = deque(maxlen=MAX_ATTEMPTS)
        self.devices: OrderedDict[str, None] = OrderedDict()
        self.countries: OrderedDict[str, None] = OrderedDict()
        self.payments = 0
        self.total = self.squares = self.last_at = 0.0
        self.last_country = ""


class MemoryHistory:
    """Remembers the users that came last; who has not come for long is forgotten first."""

    def __init__(self) -> None:
        self._users: OrderedDict[str, _User] = OrderedDict()
        self._devices: OrderedDict[str, OrderedDict[str, float]] = OrderedDict()
        self._recent: deque[tuple[_User, _Attempt]] = deque()
        self._approved: OrderedDict[str, None] = OrderedDict()

    async def look(self, transaction: Transaction) -> Past:
        """Return what happened before this attempt, and remember the attempt."""
        return self.look_now(transaction)

    async def approve(self, transaction: Transaction) -> None:
        """Make a payment part of the user's habits."""
        self.approve_now(transaction)

    def look_now(self, transaction: Transaction) -> Past:
        """Do as `look` does: nothing here waits."""
        user, now = self._user(transaction.user_id), transaction.at
        while user.attempts and user.attempts[0].at < now - HOUR:
            user.attempts.popleft()
        others = [attempt for attempt in user.attempts if attempt.transaction_id != transaction.transaction_id]
        mean, deviation = habits(user.payments, user.total, user.squares)
        past = Past(
            attempts_minute=sum(attempt.at >= now - MINUTE for attempt in others),
            attempts_hour=len(others),
            small_hour=sum(attempt.amount <= SMALL for attempt in others),
            cards_hour=len({transaction.card, *(attempt.card for attempt in others)}),
            users_of_device=self._sharers(transaction),
            payments=user.payments,
            mean=mean,
            deviation=deviation,
            known_device=transaction.device in user.devices,
            known_country=transaction.country in user.countries,
            last_country=user.last_country,
            last_at=user.last_at,
        )
        if len(others) == len(user.attempts):  # not one that is asked about again, because the answer was lost
            self._remember(user, _Attempt(transaction.transaction_id, now, transaction.amount, transaction.card))
        return past

    def approve_now(self, transaction: Transaction) -> None:
        """Do as `approve` does."""
        if transaction.transaction_id in self._approved:
            return
        _renew(self._approved, transaction.transaction_id, None, MAX_RECENT)
        user = self._user(transaction.user_id)
        user.payments += 1
        user.total += transaction.amount
        user.squares += transaction.amount**2
        user.last_country, user.last_at = transaction.country, transaction.at
        _renew(user.devices, transaction.device, None, MAX_KNOWN)
        _renew(user.countries, transaction.country, None, MAX_KNOWN)

    def _remember(self, user: _User, attempt: _Attempt) -> None:
        user.attempts.append(attempt)
        self._recent.append((user, attempt))
        if len(self._recent) > MAX_RECENT:
            whose, oldest = self._recent.popleft()
            if whose.attempts and whose.attempts[0] is oldest:  # and not gone already, with its hour
                whose.attempts.popleft()

    def _user(self, user_id: str) -> _User:
        user = self._users.get(user_id) or _User()
        _renew(self._users, user_id, user, MAX_USERS)
        return user

    def _sharers(self, transaction: Transaction) -> int:
        if not transaction.device:
            return 1
        users = self._devices.get(transaction.device) or OrderedDict()
        _renew(self._devices, transaction.device, users, MAX_DEVICES)
        _renew(users, transaction.user_id, transaction.at, MAX_SHARERS)
        while next(iter(users.values())) < transaction.at - DAY:
            users.popitem(last=False)
        return len(users)


def _renew(known: OrderedDict[str, T], key: str, value: T, limit: int) -> None:
    """Put a key at the young end, and let the oldest go when there are too many."""
    known[key] = value
    known.move_to_end(key)
    if len(known) > limit:
        known.popitem(last=False)
