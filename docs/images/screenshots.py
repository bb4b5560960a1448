"""Takes the pictures of the dashboard from the real service: `python docs/images/screenshots.py`.

The service runs on a free port with a database of its own. The demo traffic visits it for some minutes, because the
chart shows minutes, and in the middle some run into a bug. Needs Playwright and Chromium, as the browser tests do.
"""

import argparse
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
PICTURES = (
    ("dashboard.png", (1280, 800), "light"),
    ("dashboard-dark.png", (1280, 800), "dark"),
    ("dashboard-phone.png", (390, 844), "light"),
)
BUGS_A_MINUTE = (0, 0, 0, 0, 1, 0, 4, 7, 2, 0, 0, 1)  # a small incident in the middle, then over again
RATE = 5
PARTNER_KEY = "only for pictures"
LARGEST = 150_000  # bytes: they are loaded with the README


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=20, help="how long the service is visited (default %(default)s)")
    minutes = parser.parse_args().minutes
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        service = start(Path(folder), port)
        try:
            visit(port, minutes)
            take_pictures(port)
        finally:
            service.terminate()
            service.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "service", "serve", "--host", "127.0.0.1", "--port", str(port)]
    settings = {"FAULTS_ENABLED": "true", "API_KEYS": f"pictures:{PARTNER_KEY}"}
    settings["DATABASE_URL"] = f"sqlite+aiosqlite:///{folder}/shop.db"
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = kept | {"PYTHONPATH": str(ROOT)} | settings
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            if call(port, "GET", "/health/live") is not None:
                return process
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise SystemExit("the service did not start:\n" + (folder / "service.log").read_text())


def call(port: int, method: str, path: str, body: object = None, **headers: str) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json", **sent})
        return json.loads(connection.getresponse().read() or "{}")
    finally:
        connection.close()


def visit(port: int, minutes: int) -> None:
    """Runs the demo traffic, and into the bug now and then."""
    arguments = ["--shop", f"http://127.0.0.1:{port}", "--rate", str(RATE), "--seconds", str(60 * minutes)]
    command = [sys.executable, "-m", "loadtest.demo", *arguments, "--partner-key", PARTNER_KEY]
    demo = subprocess.Popen(command, cwd=ROOT)
    try:
        somebody = log_in(port)
        call(port, "PUT", "/v1/faults/instalment-bug", {"active": True})
        for minute in range(minutes):
            bugs = BUGS_A_MINUTE[minute % len(BUGS_A_MINUTE)]
            for number in range(bugs):
                run_into_the_bug(port, somebody, f"{minute}-{number}")
                time.sleep(60 / (bugs + 1))
            time.sleep(60 / (bugs + 1))
        if demo.wait(timeout=60):
            raise SystemExit("the demo traffic failed")
    finally:
        demo.terminate()
        demo.wait(timeout=30)


def log_in(port: int) -> str:
    who = {"email": "pictures@example.com", "password": "four words or more"}
    call(port, "POST", "/v1/users", who)
    return str(call(port, "POST", "/v1/sessions", who)["token"])


def run_into_the_bug(port: int, token: str, key: str) -> None:
    body = {"items": [{"product_id": 6, "quantity": 1}], "card_number": "4242424242424242", "instalments": 0}
    headers = {"Authorization": f"Bearer {token}", "Idempotency_Key": key}
    call(port, "POST", "/v1/checkout", body, **headers)


def take_pictures(port: int) -> None:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", *QUIET]
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, BROWSERS))), args=arguments
        )
        for name, (width, height), scheme in PICTURES:
            size = {"width": width, "height": height}
            page = browser.new_page(viewport=size, color_scheme=scheme, locale="en-GB", reduced_motion="reduce")
            page.goto(f"http://127.0.0.1:{port}/dashboard")
            page.locator("#recent tbody tr").first.wait_for()
            page.screenshot(path=HERE / name)
            page.close()
            if (HERE / name).stat().st_size > LARGEST:
                raise SystemExit(f"{name} is larger than {LARGEST} bytes")
            print(name, (HERE / name).stat().st_size, "bytes")
        browser.close()


if __name__ == "__main__":
    main()
