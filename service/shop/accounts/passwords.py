"""Passwords as argon2id hashes; anything weaker is refused, whoever put it into the database."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

# OWASP's Password Storage Cheat Sheet, second choice: 19 MiB, 2 passes, 1 lane. About 25 ms of one core.
MEMORY_KIB, PASSES, LANES = 19_456, 2, 1


class Passwords:
    """Hashes and checks in two threads: hashing is meant to be slow, and must not make the event loop so.

    Args:
        memory_kib: argon2's memory for one hash, in KiB.
    """

    def __init__(self, memory_kib: int = MEMORY_KIB) -> None:
        self._hasher = PasswordHasher(PASSES, memory_kib, LANES)
        self._memory = memory_kib
        self._threads = ThreadPoolExecutor(2, "passwords")
        self._nobodys = self._hasher.hash("nobody's")

    async def hashed(self, password: str) -> str:
        """Return the hash to keep."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def match(self, kept: str | None, password: str) -> bool:
        """Tell whether a password belongs to a hash. None takes as long, or time would tell who has an account."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._check, self._nobodys if kept is None else kept, password
        )
        return found and kept is not None

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check(self, kept: str, password: str) -> bool:
        try:
            found = extract_parameters(kept)
            if found.type is not Type.ID or found.memory_cost < self._memory or found.time_cost < PASSES:
                return False  # weaker than what we make: its owner must set the password anew
            return bool(self._hasher.verify(kept, password))
        except (InvalidHashError, VerificationError):
            return False
