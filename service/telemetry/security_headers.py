"""Headers that tell browsers to trust an answer no further than they must."""

from __future__ import annotations

from service.error_metrics.measurement import Headers, MeasuredRequest, RequestObserver

# OWASP, HTTP Headers Cheat Sheet. No Content-Security-Policy: it is the page's own affair, as /dashboard has one.
# Strict-Transport-Security belongs to whoever ends TLS.
SECURITY_HEADERS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
]


class SecurityHeaders(RequestObserver):
    """Adds those that an answer does not have itself."""

    def answering(self, request: MeasuredRequest, headers: Headers) -> None:  # noqa: ARG002
        """Add them."""
        own = {name.lower() for name, _ in headers}
        headers += [header for header in SECURITY_HEADERS if header[0] not in own]
