"""The dashboard's page: one file without outside assets, under a policy that allows nothing else."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

PAGE = Path(__file__).with_name("dashboard.html")
POLICY = (
    "default-src 'none'; connect-src 'self'; img-src data:; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def dashboard_page(api_path: str, *, guarded: bool) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that serves the page.

    Args:
        api_path: where the page reads its data.
        guarded: whether that needs a token, which the page then asks for at once.
    """
    text = PAGE.read_text(encoding="utf-8").replace("__TOKEN__", "needed" if guarded else "none")

    async def page(request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        api = request.scope.get("root_path", "") + api_path
        headers = {
            "Content-Security-Policy": POLICY.format(nonce=nonce),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(text.replace("__NONCE__", nonce).replace("__API__", api), headers=headers)

    return page
