"""The history in Redis, for all replicas: one round trip to look, one to approve, and everything expires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.fds.transaction import Transaction
from service.telemetry.redis_spans import redis_span

from .past import DAY, HOUR, MAX_ATTEMPTS, MAX_KNOWN, MAX_SHARERS, MINUTE, SMALL, Past, habits

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from service.telemetry.tracing import ChildSpans

PREFIX = "fds:"
PROFILE_DAYS = 90
# One after the other on the server: what finds a payment new has also noted it.
_APPROVE = """
if redis.call('ZADD', KEYS[1], 'NX', ARGV[1], ARGV[2]) == 0 then return end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[3] - 1)
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('HINCRBY', KEYS[2], 'payments', 1)
redis.call('HINCRBY', KEYS[2], 'total', ARGV[5])
redis.call('HINCRBYFLOAT', KEYS[2], 'squares', ARGV[6])
redis.call('HSET', KEYS[2], 'country', ARGV[10], 'at', ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[7])
for place = 3, 4 do
  redis.call('ZADD', KEYS[place], ARGV[1], ARGV[place + 6])
  redis.call('ZREMRANGEBYRANK', KEYS[place], 0, -ARGV[8] - 1)
  redis.call('EXPIRE', KEYS[place], ARGV[7])
end
"""


class RedisHistory:
    """Remembers users in Redis.

    Args:
        redis: the connection pool; its time limits are its own.
        spans: traces each round trip; None traces none.
    """

    def __init__(self, redis: Redis, spans: ChildSpans | None = None) -> None:
        self._redis = redis
        self._approve = redis.register_script(_APPROVE)
        self._spans = spans

    async def look(self, transaction: Transaction) -> Past:
        """Return what happened before this attempt, and remember the attempt.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        now, user = transaction.at, f"{PREFIX}user:{transaction.user_id}"
        attempts, device = f"{user}:attempts", f"{PREFIX}device:{transaction.device}"
        member = f"{transaction.transaction_id} {transaction.amount} {transaction.card}"
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zrangebyscore(attempts, now - HOUR, "+inf", withscores=True)
            pipe.zadd(attempts, {member: now})
            pipe.zremrangebyscore(attempts, "-inf", f"({now - HOUR}")
            pipe.zremrangebyrank(attempts, 0, -MAX_ATTEMPTS - 1)
            pipe.expire(attempts, int(HOUR))
            pipe.hgetall(f"{user}:profile")
            pipe.zscore(f"{user}:devices", transaction.device)
            pipe.zscore(f"{user}:countries", transaction.country)
            if transaction.device:
                pipe.zadd(device, {transaction.user_id: now})
                pipe.zremrangebyscore(device, "-inf", f"({now - DAY}")
                pipe.zremrangebyrank(device, 0, -MAX_SHARERS - 1)
                pipe.expire(device, int(DAY))
                pipe.zcard(device)
            with redis_span(self._spans, "EXEC", "history"):
                found = await pipe.execute()
        users = found[-1] if transaction.device else 1
        return _past(transaction, found[0], found[5], known=(found[6], found[7]), users=users)

    async def approve(self, transaction: Transaction) -> None:
        """Make a payment part of the user's habits.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        user, days = f"{PREFIX}user:{transaction.user_id}", int(PROFILE_DAYS * DAY)
        squares = float(transaction.amount) ** 2
        with redis_span(self._spans, "EVALSHA", "history"):
            await self._approve(
                keys=[f"{user}:{what}" for what in ("approved", "profile", "devices", "countries")],
                args=[
                    *(transaction.at, transaction.transaction_id, MAX_ATTEMPTS, int(HOUR), transaction.amount, squares),
                    *(days, MAX_KNOWN, transaction.device, transaction.country),
                ],
            )


def _past(
    transaction: Transaction,
    attempts: list[tuple[bytes, float]],
    profile: dict[bytes, bytes],
    *,
    known: Any,
    users: int,
) -> Past:
    others = []
    for member, at in attempts:
        transaction_id, amount, card = member.decode().split(" ")
        if transaction_id != transaction.transaction_id:
            others.append((at, int(amount), card))
    payments = int(profile.get(b"payments", 0))
    total, squares = float(profile.get(b"total", 0)), float(profile.get(b"squares", 0))
    mean, deviation = habits(payments, total, squares)
    return Past(
        attempts_minute=sum(at >= transaction.at - MINUTE for at, _, _ in others),
        attempts_hour=len(others),
        small_hour=sum(amount <= SMALL for _, amount, _ in others),
        cards_hour=len({transaction.card, *(card for _, _, card in others)}),
        users_of_device=users,
        payments=payments,
        mean=mean,
        deviation=deviation,
        known_device=known[0] is not None,
        known_country=known[1] is not None,
        last_country=profile.get(b"country", b"").decode(),
        last_at=float(profile.get(b"at", 0)),
    )
