"""Takes the pictures of the dashboard from the real service: `python docs/images/screenshots.py`.

The service runs on a free port with a database of its own. It is visited for some minutes, because the chart shows
minutes, by customers of whom a few run into errors. Needs Playwright and Chromium, as the browser tests do.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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
ERRORS_A_MINUTE = (1, 0, 2, 1, 3, 2, 8, 11, 5, 3, 2, 4)  # a small incident in the middle, then over again
VISITS_A_SECOND = 5
LARGEST = 150_000  # bytes: they are loaded with the README

Call = Callable[..., object]


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
    settings = {"FAULTS_ENABLED": "true", "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/shop.db"}
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


def call(port: int, method: str, path: str, body: object = None) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read() or "{}")
    finally:
        connection.close()


def visit(port: int, minutes: int) -> None:
    """Sends requests that mostly succeed, and the errors of each minute spread over it."""
    chance = random.Random(7)  # noqa: S311  # the same pictures from the same code
    call(port, "PUT", "/v1/faults/instalment-bug", {"active": True})
    for error in ERRORS:
        error(port, chance)
    for minute in range(minutes):
        seconds = 60
        left = ERRORS_A_MINUTE[minute % len(ERRORS_A_MINUTE)]
        print(f"minute {minute + 1} of {minutes}: {left} errors", flush=True)
        for tick in range(seconds * VISITS_A_SECOND):
            if chance.random() < left / (seconds * VISITS_A_SECOND - tick):
                left -= 1
                chance.choices(ERRORS, WEIGHTS)[0](port, chance)
            call(port, "GET", chance.choice(("/v1/products", f"/v1/products/{chance.randint(1, 10)}")))
            time.sleep(1 / VISITS_A_SECOND)


def unknown_product(port: int, chance: random.Random) -> None:
    call(port, "GET", f"/v1/products/{chance.randint(1000, 9999)}")


def unknown_order(port: int, chance: random.Random) -> None:
    call(port, "GET", f"/v1/orders/{chance.randint(100_000, 999_999)}")


def out_of_stock(port: int, chance: random.Random) -> None:
    call(port, "POST", "/v1/orders", {"items": [{"product_id": chance.randint(1, 10), "quantity": 1_000_000}]})


def incomplete_order(port: int, chance: random.Random) -> None:
    call(port, "POST", "/v1/orders", {"items": [{"product_id": chance.randint(1, 10)}]})


def declined(port: int, chance: random.Random) -> None:
    pay(port, chance, card_number="4000000000000002")


def the_bug(port: int, chance: random.Random) -> None:
    pay(port, chance, card_number="4242424242424242", instalments=0)


def pay(port: int, chance: random.Random, **payment: object) -> None:
    order = call(port, "POST", "/v1/orders", {"items": [{"product_id": chance.randint(1, 10), "quantity": 1}]})
    call(port, "POST", f"/v1/orders/{order['id']}/pay", {"method": "card", **payment})


def wrong_address(port: int, _: random.Random) -> None:
    call(port, "GET", "/v1/product")


ERRORS: tuple[Call, ...] = (
    unknown_order,
    wrong_address,
    incomplete_order,
    out_of_stock,
    the_bug,
    declined,
    unknown_product,
)
WEIGHTS = (2, 1, 2, 3, 1, 5, 7)


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
