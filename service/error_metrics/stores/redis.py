"""One picture of all replicas, in Redis.

    <prefix>:state:<owner>   hash: `head` and, by code and status, the series of one process
    <prefix>:index           sorted set: when each process published last, in milliseconds
    <prefix>:events          stream: the newest masked events of all processes
    <prefix>:reset           number of the newest reset

The prefix names service and environment. A process writes nothing but its own state, its events and a reset. Each turn
looks whether its state is as it was left: a Redis that was emptied, restored or evicted gets the whole of it again.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import quote

from ..polite import politely
from ..states import MAX_SERIES, SeriesState
from .codec import (
    Head,
    OtherVersion,
    OwnedEvent,
    Unreadable,
    decode_event,
    decode_head,
    decode_reset,
    decode_series,
    encode_event,
    encode_head,
    encode_reset,
    encode_series,
)
from .own import Own
from .picture import EventBook, Picture
from .redis_client import close_all, connector
from .shared import SharedStore

if TYPE_CHECKING:
    from redis import Redis

KEPT_DAYS = 8  # the longest window and a margin; then the state of a process that has gone goes, too
KEPT = KEPT_DAYS * 24 * 3600
REFRESH = 3600.0  # seconds after which a process that has nothing new says that it is still there
CHUNK = 500  # events in one command
OWNERS = 1000  # processes that are read, the newest first
STATES_AT_ONCE = 50
MAX_FIELDS = 2 * MAX_SERIES
HEAD = b"head"
Fields = dict[bytes, bytes]


class Known(NamedTuple):
    """What was read of another process, and when it was published; no head if it can't be used."""

    stamp: float
    head: Head | None
    series: dict[bytes, tuple[bytes, SeriesState]]


class RedisStore(SharedStore):
    """Publishes to and reads from Redis, about once a second.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        names: service and environment, which processes of one picture have in common.
        own: what this process publishes.
        size: events to keep.
        retention: seconds after which an event is no longer shown.

    Raises:
        ValueError: the package redis is missing, or the URL has options that it does not know.
    """

    setting: ClassVar[str] = "redis_url"
    without: ClassVar[str] = "this process shows its own"
    shows_while_away: ClassVar[bool] = False

    def __init__(self, url: str, names: tuple[str, str], own: Own, size: int, retention: float) -> None:
        self._prefix = ":".join(("error-metrics", *(quote(name, safe="") for name in names)))
        self._connect = connector(url)
        self._connect().close()  # nothing is sent yet, but options are looked at
        self._open: list[Redis] = []  # the client, while it works
        weakref.finalize(self, close_all, self._open)
        super().__init__(own, size, retention)

    def _start_over(self) -> None:
        super()._start_over()
        self._open.clear()  # a parent's, in a forked child
        self._others: dict[str, Known] = {}
        self._events = EventBook(self._size)
        self._cursor = b"-"
        self._news = False  # whether something was read that is not shown; a turn may fail in between
        self._published: dict[Any, int] = {}
        self._head_there = b""
        self._stamp = 0
        self._sent = 0  # number of the newest event that is in the stream
        self._send_again = False
        self._last_flush = float("-inf")

    def _turn(self) -> None:
        if not self._open:
            self._open.append(self._connect())
        redis = self._open[0]
        pipe = redis.pipeline(transaction=False)
        pipe.get(self._key("reset"))
        pipe.zrange(self._key("index"), 0, OWNERS - 1, desc=True, withscores=True)
        pipe.hget(self._key("state", self._own.owner), HEAD)
        reset, index, head = pipe.execute()
        stamps = {_name(owner): stamp for owner, stamp in index}
        if len(stamps) == OWNERS:
            self._warn_once("owners", f"more than {OWNERS} processes in {KEPT_DAYS} days, the oldest are not shown")
        self._agree_on_reset(redis, reset, list(stamps))
        intact = head is not None and head == self._head_there and stamps.get(self._own.owner) == self._stamp
        if not intact:
            self._begin_again(head)
        self._publish(redis)
        self._read_states(redis, {owner: at for owner, at in stamps.items() if owner != self._own.owner})
        self._read_events(redis)
        if self._news:
            self._show(self._made())
            self._news = False

    def _turn_failed(self) -> None:
        close_all(self._open)

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def _agree_on_reset(self, redis: Redis, raw: bytes | None, owners: list[str]) -> None:
        known: int | None = self._understood("reset", decode_reset, raw) if raw is not None else 0
        there = known or 0
        if self._reset_wanted:
            self._reset_wanted = False
            try:
                self._perform_reset(redis, max(self._next_reset(), there + 1), owners)
            except BaseException:
                self._reset_wanted = True
                raise
        elif self._follow(there):
            self._send_again = True  # events that were sent before now count as forgotten
            self._forget_others()
        elif known is not None and there < self._reset:  # emptied; or of two resets the older came last
            redis.set(self._key("reset"), encode_reset(self._reset), ex=KEPT)

    def _perform_reset(self, redis: Redis, number: int, owners: list[str]) -> None:
        pipe = redis.pipeline(transaction=True)
        pipe.set(self._key("reset"), encode_reset(number), ex=KEPT)
        pipe.delete(self._key("index"), self._key("events"), *(self._key("state", owner) for owner in owners))
        pipe.execute()
        self._reset = number
        self._forget_others()

    def _forget_others(self) -> None:
        self._head_there = b""
        self._others.clear()
        self._events.clear()
        self._show(Picture())

    def _begin_again(self, head: bytes | None) -> None:
        """Publish everything in this turn, and read everything: nothing that was there before can be relied on."""
        known = self._understood("own", decode_head, head) if head is not None else None
        self._sent = known.newest if known is not None and not self._send_again else 0
        self._send_again = False
        self._head_there = b""
        self._published.clear()
        self._events.clear()
        self._cursor = b"-"

    def _publish(self, redis: Redis) -> None:
        whole = not self._head_there
        series = self._own.changed(self._published)
        late = time.monotonic() - self._last_flush > REFRESH
        while True:
            events = self._own.events_after(self._sent, CHUNK)
            sent = events[-1][0] if events else self._sent
            head = encode_head(Head(self._own.owner, self._reset, self._own.lost(), self._own.overflow(), sent))
            if not (whole or late or series or events or head != self._head_there):
                return
            self._write(redis, head, series, events, whole=whole)
            self._published.update((state.key, state.errors) for state in series)
            self._sent, self._head_there, self._last_flush = sent, head, time.monotonic()
            if len(events) < CHUNK:
                return
            series, whole, late = [], False, False

    def _write(self, redis: Redis, head: bytes, series: list[SeriesState], events: list[Any], *, whole: bool) -> None:
        """Write all of it or nothing: Redis runs it as one."""
        now = int(time.time() * 1000)
        self._stamp = max(now, self._stamp + 1)
        state, index, stream = self._key("state", self._own.owner), self._key("index"), self._key("events")
        pipe = redis.pipeline(transaction=True)
        if whole:
            pipe.delete(state)
        pipe.hset(state, mapping={HEAD: head, **{_field(each): encode_series(each) for each in politely(series)}})
        pipe.expire(state, KEPT)
        pipe.zadd(index, {self._own.owner: self._stamp})
        pipe.zremrangebyscore(index, "-inf", now - KEPT * 1000)
        pipe.expire(index, KEPT)
        pipe.expire(self._key("reset"), KEPT)
        for number, event in events:
            pipe.xadd(stream, {"e": encode_event(OwnedEvent(self._own.owner, number, self._reset, event))})
        if events:
            pipe.xtrim(stream, maxlen=self._size, approximate=False)
            pipe.expire(stream, int(self._retention) + 60)
        pipe.execute()

    def _read_states(self, redis: Redis, stamps: dict[str, float]) -> None:
        gone = self._others.keys() - stamps.keys()
        for owner in gone:
            del self._others[owner]
            self._news = True
        there = {owner: known.stamp for owner, known in self._others.items()}
        changed = [owner for owner, stamp in stamps.items() if there.get(owner) != stamp]
        for some in _by(STATES_AT_ONCE, changed):
            pipe = redis.pipeline(transaction=False)
            for owner in some:
                pipe.hgetall(self._key("state", owner))
            for owner, fields in zip(some, pipe.execute(), strict=True):
                self._others[owner] = self._decoded(owner, stamps[owner], fields)
                self._news = True

    def _decoded(self, owner: str, stamp: float, fields: Fields) -> Known:
        before = self._others.get(owner)
        series: dict[bytes, tuple[bytes, SeriesState]] = {}
        if not fields:  # gone since it was listed
            return Known(stamp, None, series)
        head = self._understood(f"state of {owner}", decode_head, fields.pop(HEAD, b""))
        if head is None or head.owner != owner or len(fields) > MAX_FIELDS:
            return Known(stamp, None, series)
        for field, raw in politely(fields.items()):
            known = before.series.get(field) if before is not None else None
            state = known[1] if known is not None and known[0] == raw else None
            state = state or self._understood(f"state of {owner}", decode_series, raw)
            if state is not None:
                series[field] = raw, state
        return Known(stamp, head, series)

    def _read_events(self, redis: Redis) -> None:
        for _ in range(self._size // CHUNK + 1):
            entries: list[Any] = redis.xrange(self._key("events"), min=self._cursor, count=CHUNK)  # type: ignore[assignment]
            told = (fields.get(b"e", b"") for _, fields in politely(entries))
            events = [self._understood("events", decode_event, raw) for raw in told]
            others = [owned for owned in events if owned is not None and owned.owner != self._own.owner]
            self._events.add(others)
            self._news = self._news or bool(others)
            if entries:
                self._cursor = b"(" + entries[-1][0]
            if len(entries) < CHUNK:
                break

    def _made(self) -> Picture:
        valid = [known for known in self._others.values() if known.head is not None and known.head.reset >= self._reset]
        states = ((known.head, (state for _, state in known.series.values())) for known in valid if known.head)
        return Picture(states, self._events.since(self._reset))

    def _understood(self, what: str, decode: Callable[..., Any], raw: bytes) -> Any:
        try:
            return decode(raw)
        except OtherVersion as problem:
            self._warn_once("version", f"what another version has written is not shown ({what}: {problem})")
        except Unreadable as problem:
            self._warn_once("damage", f"what can't be read is not shown ({what}: {problem})")
        return None


def _field(state: SeriesState) -> bytes:
    return f"{state.code}/{state.status}/{state.domain}".encode()


def _name(owner: bytes) -> str:
    return owner.decode("ascii", "replace")


def _by(size: int, items: list[str]) -> Iterator[list[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
