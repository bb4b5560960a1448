"""Asking the server, without waiting, whether the client has left.

A server tells of it only to an application that calls `receive`, and an endpoint that computes does not. uvicorn
drops what is sent to nobody in silence, so such an answer would be counted as given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]


def waiting_messages(receive: Callable[[], Awaitable[Message]]) -> list[Message]:
    """Return the messages that `receive` has at hand, at most the end of a body and a disconnect."""
    messages: list[Message] = []
    for _ in range(2):
        message = _poll(receive)
        if message is not None:
            messages.append(message)
        if message is None or message.get("more_body"):
            break
    return messages


def waits_for_leave(headers: list[tuple[bytes, bytes]]) -> bool:
    """Tell whether the client sends its body only when somebody asks for it (`Expect: 100-continue`)."""
    return any(name == b"expect" for name, _ in headers)


def refused_by(send: Callable[[Message], Awaitable[None]], exc: BaseException) -> bool:
    """Tell whether `send` raised the OSError by which a server tells that the client has left (ASGI 2.4).

    The traceback says so; watching each call of `send` would cost every request a coroutine.
    """
    code = getattr(send, "__code__", None)
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    for raised in (exc, exc.__cause__, exc.__context__):  # Starlette raises ClientDisconnect instead
        trace = raised.__traceback__ if isinstance(raised, OSError) else None
        while trace is not None:
            if trace.tb_frame.f_code is code:
                return True
            trace = trace.tb_next
    return False


def _poll(receive: Callable[[], Awaitable[Message]]) -> Message | None:
    waiting = receive().__await__()
    try:
        next(waiting)
    except StopIteration as answered:
        message: Message = answered.value
        return message
    close = getattr(waiting, "close", None)
    if close is not None:
        close()
    return None
