"""Make the pictures of a stack that runs: `python docs/images/stack.py GRAFANA_URL PASSWORD SHOP_URL FDS_URL`.

It lets the fraud check fail once and goes from that checkout's trace to its logs, and from an exemplar of
latency to a trace.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import httpx
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
SIZE: Any = {"width": 1400, "height": 900}
LATENCY = "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{service='shop'}[1m])))"


def main(grafana: str, password: str, shop: str, fds: str) -> int:
    """Break something, look at it, and write `stack-*.png`."""
    trace = broken_checkout(shop, fds)
    print(f"trace {trace}; waiting for a scrape and for tail sampling ...")
    time.sleep(30)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        log_in(page, grafana, password)
        from_trace_to_logs(page, grafana, trace)
        from_exemplar_to_trace(page, grafana)
        browser.close()
    return 0


def from_trace_to_logs(page: Page, grafana: str, trace: str) -> None:
    """Open the trace, and ask for the log lines of one of its spans."""
    explore(page, grafana, "tempo", {"queryType": "traceql", "query": trace})
    page.screenshot(path=HERE / "stack-trace.png")
    span = page.locator("button", has_text="POST /v1/evaluate").first
    span.locator("xpath=..").get_by_test_id("SpanLinksMenu").locator("button").click()
    page.get_by_text("Related logs").click()
    page.wait_for_timeout(8000)
    page.screenshot(path=HERE / "stack-trace-to-logs.png")


def from_exemplar_to_trace(page: Page, grafana: str) -> None:
    """Open the graph of latency, and ask for the trace of one of its exemplars."""
    explore(page, grafana, "prometheus", {"expr": LATENCY, "exemplar": True, "range": True})
    page.get_by_test_id("data-testid Exemplar marker").last.click()
    link = page.get_by_text(re.compile("^Trace [0-9a-f]{32}$"))
    link.wait_for()
    page.screenshot(path=HERE / "stack-exemplar.png")
    link.click()
    page.get_by_label("Close", exact=True).last.click()
    page.wait_for_timeout(8000)
    page.screenshot(path=HERE / "stack-exemplar-to-trace.png")


def chromium() -> str:
    """Return the system's Chromium."""
    sys.path.insert(0, str(HERE.parents[1]))
    from tests.browsers import chromium as found

    return str(found())


def log_in(page: Page, grafana: str, password: str) -> None:
    """Log in as admin, and fold the menu away."""
    page.request.post(f"{grafana}/login", data={"user": "admin", "password": password})
    page.goto(f"{grafana}/explore")
    page.get_by_label("Undock menu").click()
    page.get_by_label("Content outline").click()


def explore(page: Page, grafana: str, source: str, query: dict[str, Any]) -> None:
    """Open a query in Explore, and wait until it has settled."""
    kind = {"type": source, "uid": source}
    panes = {
        "a": {
            "datasource": source,
            "queries": [{"refId": "A", "datasource": kind, **query}],
            "range": {"from": "now-5m", "to": "now"},
        }
    }
    page.goto(f"{grafana}/explore?schemaVersion=1&orgId=1&panes={quote(json.dumps(panes))}")
    page.wait_for_timeout(8000)


def broken_checkout(shop: str, fds: str) -> str:
    """Check out while fraud detection answers 500; return the trace's id."""
    who = {"email": f"{token_hex(4)}@example.com", "password": "four words or more"}
    httpx.post(f"{shop}/v1/users", json=who, timeout=10).raise_for_status()
    token = httpx.post(f"{shop}/v1/sessions", json=who, timeout=10).json()["token"]
    trace = token_hex(16)
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": trace,
        "traceparent": f"00-{trace}-{token_hex(8)}-01",
    }
    body = {"items": [{"product_id": 1, "quantity": 1}], "card_number": "4242424242424242", "device": token_hex(4)}
    httpx.put(f"{fds}/v1/engines/service/fault", json={"error": True}).raise_for_status()
    answer = httpx.post(f"{shop}/v1/checkout", json=body, headers=headers, timeout=20)
    httpx.put(f"{fds}/v1/engines/service/fault", json={}).raise_for_status()
    if answer.status_code != httpx.codes.ACCEPTED:
        raise RuntimeError(f"the checkout was answered {answer.status_code}: {answer.text}")
    return trace


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
