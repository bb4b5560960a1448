"""What is known of a request while it runs and when it is over, and who is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

from .classify import CLIENT_CLOSED_REQUEST
from .disconnects import refused_by, waiting_messages, waits_for_leave
from .routes import RouteTemplates

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"))
OTHER_METHOD = "_OTHER"  # OpenTelemetry's value for a method outside the known ones
UNMATCHED = "/unknown"
REQUEST = "error_metrics.request"  # where inner layers find it in the scope
PATIENCE = 0.1  # seconds; a client that leaves sooner is not looked for, so that a quick request costs nothing more


class RequestObserver:
    """Base of those who are told of requests. A method that is not overridden costs nothing."""

    def started(self, request: MeasuredRequest) -> None:
        """A request has come in; neither its route nor its status is known."""

    def answering(self, request: MeasuredRequest, headers: Headers) -> None:
        """The answer begins; `headers` may be added to."""

    def finished(self, request: MeasuredRequest) -> None:
        """The last byte of the answer is sent, or none will follow."""

    def left(self, request: MeasuredRequest) -> None:
        """The application has returned, background tasks and all; the context is that of `started`."""


class MeasuredRequest:
    """One request while it runs, and the facts about it when it is over.

    Attributes:
        scope: the ASGI scope.
        began: when it came in, in seconds of `perf_counter`.
        method: the method, `_OTHER` for one that HTTP does not define.
        endpoint: route template, `/unknown` when no route matched.
        status: status code of the answer; 499 when the client left first, 500 when there was none or it broke off.
        duration: seconds until the last byte of the answer was sent; background tasks are not part of it.
        request_bytes, response_bytes: size of the bodies as they were read and sent.
        exception: what escaped the application, if anything did.
        error: what was answered and recorded as this request's error, if anything was.
    """

    __slots__ = (
        "_body_read",
        "_early",
        "_measurement",
        "_receive",
        "_receiving",
        "_send",
        "began",
        "disconnected",
        "done",
        "duration",
        "endpoint",
        "error",
        "exception",
        "method",
        "request_bytes",
        "response_bytes",
        "scope",
        "status",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, measurement: Measurement) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._measurement = measurement
        method = scope["method"]
        self.method: str = method if method in METHODS else OTHER_METHOD
        self.endpoint = UNMATCHED
        self.status = 0
        self.request_bytes = self.response_bytes = 0
        self.exception: BaseException | None = None
        self.error: BaseException | None = None
        self.disconnected = self.done = False
        self._receiving = self._body_read = False
        self._early: list[Message] | None = None
        self.duration = 0.0
        self.began = perf_counter()

    def where(self) -> str:
        """Return the route template as far as it is known while the request runs."""
        return self.endpoint if self.done else self._measurement.templates.of(self.scope) or UNMATCHED

    async def receive(self) -> Message:
        """Pass a message on to the application, and notice bodies and disconnects."""
        if self._early:
            message = self._early.pop(0)
        else:
            self._receiving = True
            try:
                message = await self._receive()
            finally:  # asking `is_disconnected` cancels it
                self._receiving = False
        if message["type"] == "http.request":
            self.request_bytes += len(message.get("body", b""))
            self._body_read = not message.get("more_body")
        elif not self.done:
            self.disconnected = True
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a message on to the server, and notice status, size and end of the answer."""
        kind = message["type"]
        if kind == "http.response.body":
            if self.method != "HEAD":  # servers leave the body out
                self.response_bytes += len(message.get("body", b""))
            return self._send_body(message, not message.get("more_body"))
        if kind == "http.response.start":
            self.status = message["status"]
            if perf_counter() - self.began > PATIENCE:
                self._look_for_the_client()
            message = self._measurement.answer(self, message)
        elif kind == "http.response.pathsend":
            return self._send_body(message, True)
        return self._send(message)

    def _look_for_the_client(self) -> None:
        if self._receiving or (not self._body_read and waits_for_leave(self.scope["headers"])):
            return
        try:
            self._early = waiting_messages(self._receive)
        except Exception:  # noqa: BLE001  # a server that can't be asked
            return
        if any(message["type"] == "http.disconnect" for message in self._early):
            self.disconnected = True

    async def _send_body(self, message: Message, last: bool) -> None:
        try:
            await self._send(message)
        except OSError:  # how a server tells that the client has left (ASGI 2.4)
            self.disconnected = True
            raise
        if last and not self.done:
            self._measurement.tell(self)

    def settle(self) -> None:
        """Note the time that the request took: it is over."""
        self.duration = perf_counter() - self.began
        self.done = True
        if self.disconnected:
            self.status = CLIENT_CLOSED_REQUEST
        elif self.exception is not None:
            self.status = 500

    def abandon(self, exc: BaseException | None) -> None:
        """Settle a request whose answer did not come to its end."""
        if self.done:
            return
        self.exception = exc
        self.status = 500
        if exc is not None and refused_by(self._send, exc):
            self.disconnected = True
        self._measurement.tell(self)


class Measurement:
    """The observers of one application, and what is not measured.

    Args:
        templates: names requests by route.

    Attributes:
        failures: how often an observer failed.
        lose: called each time that it does, so that somebody exports it.
        socket_failed: called with the scope and exception of a WebSocket that ended by an exception nobody handled.
    """

    def __init__(self, templates: RouteTemplates) -> None:
        self.templates = templates
        self.failures = 0
        self.lose: Callable[[], None] = lambda: None
        self.socket_failed: Callable[[Scope, Exception], None] = lambda _scope, _exc: None
        self._exact: frozenset[str] = frozenset()
        self._below: tuple[str, ...] = ()
        self._on_start: tuple[Callable[[MeasuredRequest], None], ...] = ()
        self._on_answer: tuple[Callable[[MeasuredRequest, Headers], None], ...] = ()
        self._on_finish: tuple[Callable[[MeasuredRequest], None], ...] = ()
        self._on_left: tuple[Callable[[MeasuredRequest], None], ...] = ()

    def add(self, *observers: RequestObserver) -> None:
        """Tell these observers of every request from now on."""
        for observer in observers:
            if type(observer).started is not RequestObserver.started:
                self._on_start = (*self._on_start, observer.started)
            if type(observer).answering is not RequestObserver.answering:
                self._on_answer = (*self._on_answer, observer.answering)
            if type(observer).finished is not RequestObserver.finished:
                self._on_finish = (*self._on_finish, observer.finished)
            if type(observer).left is not RequestObserver.left:
                self._on_left = (observer.left, *self._on_left)  # the last to come in leaves first

    def leave_out(self, *paths: str) -> None:
        """Don't measure requests to exactly these paths, such as probes."""
        self._exact |= frozenset(paths)

    def leave_out_below(self, path: str) -> None:
        """Don't measure requests to this path and to those below it."""
        self.leave_out(path)
        self._below = (*self._below, path + "/")

    def leaves_out(self, path: str) -> bool:
        """Tell whether requests to a path are not measured."""
        return path in self._exact or path.startswith(self._below)

    def begin(self, request: MeasuredRequest) -> None:
        """Tell that a request has come in."""
        for observer in self._on_start:
            try:
                observer(request)
            except Exception:  # noqa: BLE001  # an observer must not break the request that it watches
                self._failed()

    def answer(self, request: MeasuredRequest, message: Message) -> Message:
        """Tell that the answer begins, and return its first message with what observers add."""
        if not self._on_answer:
            return message
        headers = list(message.get("headers", ()))  # the application may send the same list again
        for observer in self._on_answer:
            try:
                observer(request, headers)
            except Exception:  # noqa: BLE001  # as in `begin`
                self._failed()
        return {**message, "headers": headers}

    def tell(self, request: MeasuredRequest) -> None:
        """Tell that a request is over."""
        request.settle()
        try:
            request.endpoint = self.templates.of(request.scope) or UNMATCHED
        except Exception:  # noqa: BLE001  # as in `begin`
            self._failed()
        for observer in self._on_finish:
            try:
                observer(request)
            except Exception:  # noqa: BLE001  # as in `begin`
                self._failed()

    def leave(self, request: MeasuredRequest) -> None:
        """Tell that the application has returned."""
        for observer in self._on_left:
            try:
                observer(request)
            except Exception:  # noqa: BLE001  # as in `begin`
                self._failed()

    def _failed(self) -> None:
        self.failures += 1
        self.lose()
