"""Users in the database."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.shop.errors import EmailTaken
from service.shop.tables import User


async def register(session: AsyncSession, email: str, password_hash: str, country: str) -> User:
    """Add a user.

    Raises:
        EmailTaken: there is one with this address.
    """
    user = User(email=email.lower(), password_hash=password_hash, country=country)
    try:
        async with session.begin():
            session.add(user)
    except IntegrityError:
        raise EmailTaken from None
    return user


async def find_user(session: AsyncSession, email: str) -> User | None:
    """Return the user with this address."""
    return (await session.scalars(select(User).where(User.email == email.lower()))).one_or_none()
