"""Who is logged in. The database knows; a cache saves asking it with each request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from sqlalchemy import bindparam, delete, select

from service.database_access import Database
from service.shop.cache import SafeCache, understood
from service.shop.tables import Session, User

LIFETIME = timedelta(hours=1)
CACHED = 60
"""Seconds; a logout that could not reach Redis takes effect after them at the latest."""


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who is logged in; times in seconds since the epoch."""

    user_id: int
    country: str
    registered: float
    expires: float


class Sessions:
    """Logins by their tokens, of which only digests are kept.

    Args:
        database: sessions of the database.
        cache: of logins.
    """

    def __init__(self, database: Database, cache: SafeCache) -> None:
        self._database = database
        self._cache = cache

    async def begin(self, user: User) -> tuple[str, datetime]:
        """Log a user in; return the token and when it expires."""
        token, expires = token_urlsafe(32), datetime.now(UTC) + LIFETIME
        async with self._database() as session, session.begin():
            session.add(Session(token_digest=_digest(token), user_id=user.id, expires_at=expires))
        return token, expires

    async def find(self, token: str) -> Login | None:
        """Return who has this token, None if nobody has, or had until it expired."""
        digest = _digest(token)
        login = understood(Login, await self._cache.get(digest)) or await self._load(digest)
        return login if login is not None and login.expires > datetime.now(UTC).timestamp() else None

    async def end(self, token: str) -> None:
        """Log out. A token that nobody has is out already."""
        digest = _digest(token)
        async with self._database() as session, session.begin():
            await session.execute(delete(Session).where(Session.token_digest == digest))
        await self._cache.delete(digest)

    async def forget_expired(self) -> int:
        """Remove what has expired, and return how many there were."""
        async with self._database() as session, session.begin():
            gone = await session.execute(delete(Session).where(Session.expires_at < datetime.now(UTC)))
        return int(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it

    async def _load(self, digest: str) -> Login | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(_FIND, {"digest": digest})).one_or_none()
        if row is None:
            return None
        login = Login(row.id, row.country, row.created_at.timestamp(), row.expires_at.timestamp())
        facts = {name: getattr(login, name) for name in Login.__slots__}
        await self._cache.set(digest, json.dumps(facts).encode(), CACHED)
        return login


_FIND = (
    select(User.id, User.country, User.created_at, Session.expires_at)
    .join_from(Session, User)
    .where(Session.token_digest == bindparam("digest"))
)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
