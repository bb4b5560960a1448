"""Talking to Sentry: the only file that imports its SDK, and it is imported only when Sentry is enabled.

The client is private: it is not the SDK's global one, has no integrations and patches nothing.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import urllib3
from sentry_sdk import Client, Scope
from sentry_sdk.envelope import Envelope, Item, PayloadRef
from sentry_sdk.scope import use_scope
from sentry_sdk.scrubber import EventScrubber
from sentry_sdk.serializer import serialize
from sentry_sdk.transport import HttpTransport
from sentry_sdk.utils import event_from_exception

from .config import MetricsConfig
from .masking import MAX_TEXT, Masker
from .sentry_limits import SentryCounts
from .sentry_report import Event, Locals, Report, describe

NETWORK_SECONDS = 5.0
WAITING = 30  # envelopes of at most some 100 kB
# Local variables lie deep inside an event; below them there is room for the five levels that the SDK keeps.
_TOP = -8
_REASONS = {"network": "network", "full_queue": "queue_full", "status_429": "backoff", "self_rate_limits": "backoff"}
_FOREIGN = ("site-packages", "dist-packages", "<", str(Path(__file__).parent), sysconfig.get_paths()["stdlib"])


class MaskingTransport(HttpTransport):
    """Masks every envelope, whatever is in it, and sends it; what can't be masked is not sent.

    Args:
        options: those of the client.
        masker: hides what is private; None, and everything is sent as it is.
        counts: told of each envelope what became of it.
        put_off: takes an envelope that came in the caller's thread, and later gives it to `send`.

    Attributes:
        abandoned: whether what waits has been counted as lost, and so is neither sent nor counted again.
    """

    def __init__(
        self, options: dict[str, Any], masker: Masker | None, counts: SentryCounts, put_off: Callable[[Envelope], None]
    ) -> None:
        super().__init__(options)
        self._masker = masker
        self._counts = counts
        self._put_off = put_off
        self.abandoned = False

    def capture_envelope(self, envelope: Envelope) -> None:
        """Take an envelope and return at once."""
        self._put_off(envelope)

    def send(self, envelope: Envelope) -> None:
        """Mask an envelope and queue it for the network."""
        try:
            masked = envelope if self._masker is None else _masked(envelope, self._masker)
        except Exception:  # noqa: BLE001  # fail closed: what can't be masked stays here
            self._counts.drop("masking")
            return
        super().capture_envelope(masked)

    def on_dropped_event(self, reason: str) -> None:
        """Count an envelope that the SDK gave up."""
        if not self.abandoned:
            self._counts.drop(_REASONS.get(reason, "rejected"))

    def _request(self, *args: Any, **kwargs: Any) -> Any:
        if self.abandoned:
            raise ConnectionAbortedError("the time to send it is over")
        response = super()._request(*args, **kwargs)
        if 200 <= response.status < 300 and not self.abandoned:
            self._counts.send()
        return response

    def _get_pool_options(self) -> dict[str, Any]:
        own = {"timeout": urllib3.Timeout(total=NETWORK_SECONDS), "retries": urllib3.Retry(1, redirect=0)}
        return {**super()._get_pool_options(), **own}


def _masked(envelope: Envelope, masker: Masker) -> Envelope:
    items = []
    for item in envelope.items:
        if item.payload.json is None:
            raise ValueError(f"{item.type}: only JSON can be masked")
        payload = PayloadRef(json=masker.value(item.payload.json, _TOP))
        items.append(Item(payload, headers=masker.value(item.headers)))
    return Envelope(masker.value(envelope.headers), items)


class SentryClient:
    """A private client of the SDK with its transport.

    Args:
        config: DSN, release, environment, rates and masking.
        counts: told what became of each report.
        put_off: takes an envelope that came in the caller's thread, and later gives it to `send`.
    """

    def __init__(self, config: MetricsConfig, counts: SentryCounts, put_off: Callable[[Envelope], None]) -> None:
        # `send_default_pii` is false by default, and setting it is deprecated.
        self._client = Client(
            dsn=config.sentry_dsn,
            release=config.version,
            environment=config.environment,
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            enable_backpressure_handling=False,
            send_client_reports=False,  # what is lost is counted here
            spotlight=False,  # would get everything unmasked
            event_scrubber=EventScrubber(denylist=[], pii_denylist=[]),  # the masker hides more
            max_value_length=4 * MAX_TEXT + 8,  # bytes; cut before masking, half a secret would go through
            max_request_body_size="never",
            transport_queue_size=WAITING,
            traces_sample_rate=1.0,  # decided before
            profiles_sample_rate=config.sentry_profiles_sample_rate or None,
        )
        masker = Masker(config.pii_fields, config.pii_patterns) if config.mask_pii else None
        self._service = config.service
        # Set afterwards, so that SENTRY_PRINT_ENVELOPES can't put a printer of unmasked envelopes in front of it.
        self.transport = MaskingTransport(self._client.options, masker, counts, put_off)
        self._client.transport = self.transport
        self.send = self.transport.send
        self.can_send = self.transport.is_healthy

    def capture(self, report: Report) -> None:
        """Make an event of a report; its envelope comes back through `put_off`."""
        event = describe(report)
        hint: Any = {}
        event["tags"]["service"] = self._service
        if report.exc is not None:
            options = {**self._client.options, "include_local_variables": False}
            mechanism = {"type": "error_metrics", "handled": report.handled}
            raised, hint = event_from_exception(report.exc, options, mechanism)
            event.update(cast("Event", raised), level=report.level)
            _add_locals(event, report.exc)
        self._client.capture_event(cast("Any", event), hint)

    @contextmanager
    def transaction(self, name: str, op: str) -> Iterator[Any]:
        """Send a transaction when the block ends; inside it, the SDK's own functions use this client."""
        with use_scope(Scope(client=self._client)) as scope, scope.start_transaction(name=name, op=op) as span:
            yield span

    def flush(self, timeout: float) -> None:
        """Wait until the network has taken what `send` was given, for `timeout` seconds at most."""
        self.transport.flush(timeout)


def _add_locals(event: Event, exc: BaseException) -> None:
    """Add the local variables of the application's own frames, and leave out the surroundings of the others.

    Those of libraries hold whole requests and the parameters of SQL statements; describing and masking them would take
    ten times as long as everything else.
    """
    variables = Locals(exc)
    for raised in event["exception"]["values"]:
        for frame in (raised.get("stacktrace") or {}).get("frames", ()):
            path = frame.get("abs_path") or ""
            frame["in_app"] = not any(part in path for part in _FOREIGN)
            found = variables.of((path, frame["function"], frame["lineno"]))
            if frame["in_app"]:
                frame["vars"] = serialize(found, is_vars=True)
            else:
                frame.update(pre_context=[], post_context=[])
