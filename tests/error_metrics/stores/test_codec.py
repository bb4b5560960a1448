"""What processes write for each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.error_metrics.events import ErrorEvent
from service.error_metrics.stores.codec import (
    MAX_BYTES,
    Head,
    OtherVersion,
    OwnedEvent,
    Unreadable,
    decode_counts,
    decode_event,
    decode_head,
    decode_reset,
    decode_series,
    encode_event,
    encode_head,
    encode_reset,
    encode_series,
)
from tests.error_metrics.test_states import START, state_of

OWNER = "0123456789abcdef" * 2
HEAD = Head(OWNER, 1, 2, 3, 4, (OWNER[::-1],))
EVENT = ErrorEvent(START, 310, "RESOURCE", "NoSuchItem", "none", 404, "GET", "/items/{id}", "r" * 32, None)
OWNED = OwnedEvent(OWNER, 7, 1, EVENT)
DECODERS: list[Callable[[bytes], Any]] = [decode_head, decode_counts, decode_series, decode_event, decode_reset]


def changed(raw: bytes, **fields: Any) -> bytes:
    """Return a written object with other or further fields."""
    return json.dumps({**json.loads(raw), **fields}).encode()


def test_what_is_written_is_read() -> None:
    """Whole, and in one line each."""
    state = state_of([START, START + 5, START + 7200])
    read = decode_series(encode_series(state))
    assert (read.key, read.errors, read.at(START + 7200)) == (state.key, 3, state.at(START + 7200))
    assert decode_head(encode_head(HEAD, series=5, events=6)) == HEAD
    assert decode_counts(encode_head(HEAD, series=5, events=6)) == (5, 6)
    assert decode_event(encode_event(OWNED)) == OWNED
    assert decode_reset(encode_reset(17)) == 17
    assert all(b"\n" not in raw for raw in (encode_series(state), encode_head(HEAD), encode_event(OWNED)))


@pytest.mark.parametrize("decode", DECODERS)
@given(raw=st.one_of(st.binary(), st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps)))
def test_whatever_is_found_is_read_or_refused(decode: Callable[[bytes], Any], raw: bytes | str) -> None:
    """By one kind of exception."""
    with pytest.raises(Unreadable):
        decode(raw if isinstance(raw, bytes) else raw.encode())


WRITTEN: list[tuple[Callable[[bytes], Any], bytes]] = [
    (decode_head, encode_head(HEAD)),
    (decode_series, encode_series(state_of([START]))),
    (decode_event, encode_event(OWNED)),
]
ODD = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))


@pytest.mark.parametrize(("decode", "raw"), WRITTEN)
@given(data=st.data())
def test_a_field_of_another_kind_is_read_or_refused(decode: Callable[[bytes], Any], raw: bytes, data: Any) -> None:
    """Never anything else; and what is read can be written again."""
    field = data.draw(st.sampled_from(sorted(json.loads(raw))))
    try:
        read = decode(changed(raw, **{field: data.draw(ODD)}))
    except Unreadable:
        return
    encode = {Head: encode_head, OwnedEvent: encode_event}.get(type(read), encode_series)
    assert decode(encode(read)) == read


@pytest.mark.parametrize(("decode", "raw"), WRITTEN)
def test_a_later_version_may_add_fields(decode: Callable[[bytes], Any], raw: bytes) -> None:
    """Readers skip what they don't know."""
    assert decode(changed(raw, colour="blue")) == decode(raw)


@pytest.mark.parametrize("decode", [decode_head, decode_event, decode_reset])
def test_what_is_meant_for_other_versions_is_told_apart(decode: Callable[[bytes], Any]) -> None:
    """It is not damaged, and must be left alone."""
    with pytest.raises(OtherVersion, match="version 2"):
        decode(b'{"v": 2, "anything": []}')


def test_what_is_read_has_limits() -> None:
    """Of size, of length, and of the time."""
    raw = encode_event(OWNED)
    assert len(decode_event(changed(raw, message="x" * 5000)).event.message) == 256
    assert decode_event(changed(raw, message="\ud800")).event.message == "?"
    for bad in ({"padding": "x" * MAX_BYTES}, {"time": 1e300}, {"status_code": 1000}, {"owner": "me"}):
        with pytest.raises(Unreadable):
            decode_event(changed(raw, **bad))
    with pytest.raises(Unreadable):
        decode_series(changed(encode_series(state_of([START])), minutes=[[1] * 61] * 2))
