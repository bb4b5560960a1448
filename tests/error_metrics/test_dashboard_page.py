"""The dashboard page as a user meets it: a real browser in front of the real service.

Only errors that every service has are caused here (an unknown address, a bad query), so the tests outlive the sample.
"""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect, sync_playwright

from tests.browsers import chromium

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
NOT_FOUND, INVALID = "399", "499"  # the codes reserved for the framework's own errors
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
INHERITED = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")  # a developer's own settings must not reach the service

Open = Callable[..., Page]


class Service:
    """The service as a user starts it, on a port that stays the same over restarts."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        kept = {name: value for name, value in os.environ.items() if name in INHERITED or name.startswith("COVERAGE")}
        database = f"sqlite+aiosqlite:///{folder}/shop.db"
        ours = {"PYTHONPATH": str(ROOT), "DATABASE_URL": database, "FAULTS_ENABLED": "true"}
        self.environment = kept | ours | settings
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Service":
        command = [sys.executable, "-m", "service", "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while not self._alive():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail("the service did not start:\n" + (self.folder / "service.log").read_text()[-2000:])
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=30)

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def not_found(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.get("/no-such-page") == 404

    def invalid(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.get("/api/metrics/recent?limit=many") == 422

    def _alive(self) -> bool:
        try:
            return self.get("/health/live") == 200
        except OSError:
            return False


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Service]:
    """A service that nothing has happened to, for tests that restart it or need it empty."""
    service = Service(tmp_path).start()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with errors of two codes in two domains; the tests add more and never rely on there being none."""
    running = Service(tmp_path_factory.mktemp("service")).start()
    running.not_found(3)
    running.invalid(2)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", *QUIET]
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        expect.set_options(timeout=15_000)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens the dashboard of a service; further arguments are those of a browser context."""
    contexts: list[BrowserContext] = []

    def opened(service: Service, fragment: str = "", **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{service.origin}/dashboard{fragment}")
        return page

    yield opened
    for context in contexts:
        context.close()


def card(page: Page, name: str) -> Locator:
    return page.locator("#cards > div", has=page.get_by_text(name, exact=True)).locator("b")


def events(page: Page) -> Locator:
    return page.get_by_role("table", name=re.compile("newest|history|Loading")).locator("tbody tr")


def events_of(page: Page, code: str) -> Locator:
    """The rows whose heading is that code: a request id may contain its digits too."""
    return events(page).filter(has=page.get_by_role("rowheader", name=re.compile(rf"^{code} ")))


def row_button(page: Page, table: str, value: str) -> Locator:
    return page.get_by_role("table", name=table).get_by_role("button", name=value, exact=True)


def tab_to(page: Page, target: Locator) -> None:
    """Presses Tab until the target has the focus, as someone without a mouse would."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if target.evaluate("node => node === document.activeElement"):
            return
    pytest.fail("Tab never reached it")


def rewritten(page: Page, path: str, change: Callable[[dict[str, object]], object]) -> None:
    """Changes what the real service answers to one question, for states that are hard to cause."""

    def handle(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        change(body)
        route.fulfill(response=answer, body=json.dumps(body))

    page.route(f"**/api/metrics/{path}*", handle)


def test_it_shows_what_happened(service: Service, open_page: Open) -> None:
    """Cards, chart, both tables and the list of recent errors are filled from the service."""
    page = open_page(service)
    expect(card(page, "Errors, last hour")).to_have_text(re.compile(r"^[1-9]"))
    expect(card(page, "Error rate")).to_have_text(re.compile(r"^\d.* %$"))
    expect(card(page, "Response time p95")).to_have_text(re.compile(r"^\d.* m?s$"))
    expect(card(page, "Requests")).to_have_text(re.compile(r"^[1-9]"))
    expect(page.get_by_role("img", name=re.compile("Bar chart of errors per minute: .* in 60 minutes"))).to_be_visible()
    assert page.locator("#bars g").count() == 60
    for table, value in (("Errors by code", NOT_FOUND), ("Errors by code", INVALID), ("Errors by domain", "RESOURCE")):
        expect(row_button(page, table, value)).to_be_visible()
    row = events_of(page, NOT_FOUND).first
    for text in ("RESOURCE", "404", "GET"):
        expect(row).to_contain_text(text)
    expect(row.locator("time")).to_have_attribute("title", re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$"))


def test_an_empty_service_says_how_to_cause_the_first_error(fresh: Service, open_page: Open) -> None:
    """With nothing to show the page offers a command, and following it replaces the offer by figures."""
    page = open_page(fresh)
    expect(page.get_by_role("heading", name="No errors yet")).to_be_visible()
    expect(page.locator("#verdict")).to_have_text("Fine: no errors in the last 5 minutes")
    command = page.locator("#try").inner_text()
    assert fresh.get(command.removeprefix(f"curl -i {fresh.origin}")) == 404
    expect(events(page)).to_have_count(1)
    expect(page.get_by_role("heading", name="No errors yet")).to_be_hidden()
    expect(page.locator("#verdict")).to_have_text("1 error in the last 5 minutes, no server errors in the last hour")


def test_it_follows_new_errors(service: Service, open_page: Open) -> None:
    """Errors that happen while the page is open appear by themselves."""
    page = open_page(service)
    total = card(page, "Errors, last hour")
    expect(total).to_have_text(re.compile(r"\d"))
    before = int(total.inner_text())
    service.not_found(4)
    expect(total).to_have_text(str(before + 4), timeout=5000)


def test_an_update_takes_neither_focus_nor_scroll_nor_selection(service: Service, open_page: Open) -> None:
    """While new rows arrive and others change places, whatever the user holds stays where it is."""
    page = open_page(service, viewport={"width": 1280, "height": 500})
    rows = page.locator("#codes tbody button")
    expect(rows).to_have_count(2)
    first, second = rows.all_inner_texts()
    rows.first.focus()
    page.evaluate("scrollTo(0, 150)")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#recent tbody tr th'))")
    held = page.evaluate("[scrollY, String(getSelection())]")
    assert held[0] == 150
    total = card(page, "Errors, last hour")
    before = int(total.inner_text())
    more = int(page.locator("#codes tbody .number").first.inner_text()) + 1
    (service.not_found if second == NOT_FOUND else service.invalid)(more)  # the second row overtakes the held one
    expect(total).to_have_text(str(before + more))
    assert rows.all_inner_texts() == [second, first]
    expect(row_button(page, "Errors by code", first)).to_be_focused()
    assert page.evaluate("[scrollY, String(getSelection())]") == held


def test_a_row_filters_by_its_code(service: Service, open_page: Open) -> None:
    """Choosing a row of the code table leaves only that code in the list, and choosing it again lifts the filter."""
    page = open_page(service)
    button = row_button(page, "Errors by code", NOT_FOUND)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("table", name=f"with code {NOT_FOUND}")).to_be_visible()
    expect(events(page).filter(has_not_text=NOT_FOUND)).to_have_count(0)
    assert page.url.endswith(f"#code={NOT_FOUND}")
    page.locator("#codes tr.chosen .number").click()
    expect(events_of(page, INVALID)).not_to_have_count(0)


def test_a_select_filters_by_domain(service: Service, open_page: Open) -> None:
    """The list can be narrowed to one domain with the select, and the clear button shows everything again."""
    page = open_page(service)
    page.get_by_role("combobox", name="Domain").select_option("VALIDATION")
    expect(page.get_by_role("table", name="in VALIDATION")).to_be_visible()
    expect(events(page).filter(has_not_text="VALIDATION")).to_have_count(0)
    page.get_by_role("button", name="Clear filter").click()
    expect(events(page).filter(has_text="RESOURCE")).not_to_have_count(0)
    expect(page.get_by_role("button", name="Clear filter")).to_be_hidden()


def test_a_filter_can_be_shared_as_a_link(service: Service, open_page: Open) -> None:
    """The address carries filter and window, so opening it elsewhere shows the same, and Back undoes the last step."""
    page = open_page(service, f"#domain=RESOURCE&window=24h&code={NOT_FOUND}")
    expect(page.get_by_role("table", name=f"with code {NOT_FOUND} in RESOURCE")).to_be_visible()
    expect(page.get_by_label("24 h")).to_be_checked()
    page.get_by_role("button", name="Clear filter").click()
    expect(page).to_have_url(re.compile("#window=24h$"))
    page.go_back()
    expect(page.get_by_role("table", name=f"with code {NOT_FOUND} in RESOURCE")).to_be_visible()


def test_a_filter_that_fits_nothing_says_so(service: Service, open_page: Open) -> None:
    """A link to a code that never happened shows an empty list with its reason instead of an outage."""
    page = open_page(service, "#code=9998")
    expect(page.get_by_text("The history holds no error with code 9998.")).to_be_visible()
    expect(page.locator("#state")).to_have_text(re.compile("^Live"))


def test_it_works_by_keyboard_alone(service: Service, open_page: Open) -> None:
    """Tab and Enter reach the skip link, filter by a row and clear the filter, and the focus is never lost."""
    page = open_page(service)
    expect(events(page).first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to recent errors")).to_be_focused()
    button = row_button(page, "Errors by code", INVALID)
    tab_to(page, button)
    assert button.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(events(page).filter(has_not_text=INVALID)).to_have_count(0)
    expect(button).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Clear filter"))
    page.keyboard.press("Enter")
    expect(events_of(page, NOT_FOUND)).not_to_have_count(0)
    expect(page.get_by_role("combobox", name="Code")).to_be_focused()


def test_the_skip_link_keeps_the_filter(service: Service, open_page: Open) -> None:
    """Skipping to the recent errors moves the focus there and leaves the address alone."""
    page = open_page(service, f"#code={NOT_FOUND}")
    expect(events(page).first).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Recent errors")).to_be_focused()
    assert page.url.endswith(f"#code={NOT_FOUND}")


def test_pause_holds_the_figures(service: Service, open_page: Open) -> None:
    """A paused page stays as it is, even after a filter was chosen, until it is resumed and catches up."""
    page = open_page(service)
    total = card(page, "Errors, last hour")
    expect(total).to_have_text(re.compile(r"\d"))
    page.get_by_role("button", name="Pause").click()
    with page.expect_response(re.compile("error_code=")) as asked:  # a filter asks once, also on a paused page
        row_button(page, "Errors by code", NOT_FOUND).click()
    asked.value.finished()
    page.wait_for_load_state("networkidle")
    expect(events(page).filter(has_not_text=NOT_FOUND)).to_have_count(0)
    before = int(total.inner_text())
    service.not_found()
    page.wait_for_timeout(2500)
    assert int(total.inner_text()) == before
    page.get_by_role("button", name="Resume").click()
    expect(total).to_have_text(str(before + 1))


def test_a_hidden_tab_does_not_ask(service: Service, open_page: Open) -> None:
    """A tab in the background leaves the service in peace and catches up as soon as it is looked at."""
    page = open_page(service)
    expect(events(page).first).to_be_visible()
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    hide += "document.dispatchEvent(new Event('visibilitychange')) }"
    page.evaluate(hide, True)
    page.wait_for_timeout(500)  # a question under way may still be answered
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert asked == []
    with page.expect_response("**/api/metrics/dashboard", timeout=1500):
        page.evaluate(hide, False)


def test_it_survives_a_restart_of_the_service(fresh: Service, open_page: Open) -> None:
    """While the service is away the last figures stay under a banner, and they move on when it is back."""
    fresh.not_found(2)
    page = open_page(fresh)
    expect(events(page)).to_have_count(2)
    fresh.stop()
    banner = page.get_by_text(re.compile(r"Reconnecting… since \d\d:\d\d:\d\d the service does not answer"))
    expect(banner).to_be_visible()
    expect(events(page)).to_have_count(2)
    expect(page.locator("#verdict")).to_have_text(re.compile("^Unknown"))
    fresh.start()
    expect(banner).to_be_hidden()
    expect(page.locator("#state")).to_have_text(re.compile("^Live"))
    fresh.invalid()
    expect(events_of(page, INVALID)).to_have_count(1)


def test_it_is_quiet_and_stays_at_home(service: Service, open_page: Open) -> None:
    """A whole visit causes no console error or warning, no policy violation, and no request to another host."""
    page = open_page(service)
    said: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.reload()
    row_button(page, "Errors by code", NOT_FOUND).click()
    page.get_by_text("7 d", exact=True).click()
    page.get_by_role("button", name="Clear filter").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    page.wait_for_timeout(2500)
    assert said == []
    assert hosts == {urlsplit(service.origin).netloc}
    assert "__NONCE__" not in page.content()


@pytest.mark.parametrize("field", ["message", "error_name", "error_domain", "path", "request_id"])
def test_markup_is_shown_as_text(service: Service, open_page: Open, field: str) -> None:
    """Markup in what an error carries is displayed, never interpreted."""
    markup = "<img src=x onerror=\"document.title='run'\"><b>bold</b>"
    page = open_page(service)
    rewritten(page, "recent", lambda body: body["recent_errors"][0].update({field: markup}))
    page.reload()
    expect(events(page).first).to_contain_text(markup)
    assert page.locator("#recent img").count() == 0
    assert page.title() != "run"


def test_it_admits_what_is_missing(service: Service, open_page: Open) -> None:
    """A degraded store, dropped events and overflowing labels are said in words."""
    page = open_page(service)
    totals = {"total_errors": 9, "dropped_events": 3, "label_overflow": 1}
    rewritten(page, "dashboard", lambda body: body.update(degraded=True, totals=totals))
    expect(page.get_by_text("The shared store is away")).to_be_visible()
    expect(page.get_by_text("3 events did not reach the list")).to_be_visible()
    expect(page.get_by_text("1 error beyond the limit of distinct codes is counted as “other”")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_width_needs_sideways_scrolling(service: Service, open_page: Open, width: int) -> None:
    """On a phone or tablet the page is as wide as the screen, and the rows are still there to read."""
    page = open_page(service, viewport={"width": width, "height": 844})
    expect(events(page).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    beyond = "nodes => nodes.filter(node => node.getBoundingClientRect().right > innerWidth).length"
    assert page.locator("#recent td, #recent th, #codes td, button, select").evaluate_all(beyond) == 0


def five_hundred_codes(board: Any) -> None:
    """As many codes as are counted apart."""
    for counts in (board, *board["windows"].values()):
        counts["by_code"] = {str(code): 1000 - code for code in range(300, 800)}


@pytest.mark.parametrize("size", [(360, 740), (800, 600), (1366, 768)])
def test_many_codes_leave_the_recent_errors_in_reach(service: Service, open_page: Open, size: tuple[int, int]) -> None:
    """Both tables scroll in themselves, by keyboard too, and the list below begins within three screens."""
    page = open_page(service, viewport={"width": size[0], "height": size[1]})
    rewritten(page, "dashboard", five_hundred_codes)
    expect(page.locator("#codes tbody tr")).to_have_count(500)
    top = page.get_by_role("heading", name="Recent errors").evaluate("node => node.getBoundingClientRect().top")
    assert top < 3 * size[1]
    last = row_button(page, "Errors by code", "799")
    expect(last).not_to_be_in_viewport()
    last.focus()
    expect(last).to_be_in_viewport(ratio=1)
    box = page.locator("#codes").evaluate("node => node.parentNode.scrollWidth <= node.parentNode.clientWidth")
    assert box, "a table scrolls sideways"


# The visible texts whose contrast ratio (WCAG 2.2) against the first opaque background behind them is too low.
FAINT = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const linear = value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = node => {
    const colour = parts(getComputedStyle(node).backgroundColor);
    return colour[3] === 0 ? behind(node.parentElement) : colour;
  };
  const has_text = node => [...node.childNodes].some(child => child.nodeType === Node.TEXT_NODE && child.data.trim());
  const faint = node => {
    const pair = [light(parts(getComputedStyle(node).color)), light(behind(node))];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05) < 4.5;
  };
  return [...document.querySelectorAll("body *:not(script, option)")]
    .filter(node => node.checkVisibility() && has_text(node) && faint(node)).map(node => node.textContent);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_readable(service: Service, open_page: Open, scheme: str) -> None:
    """In both colour schemes, chosen rows included, text has the contrast of WCAG AA, 4.5 to 1."""
    page = open_page(service, f"#code={NOT_FOUND}", color_scheme=scheme)
    expect(page.locator("tr.chosen")).to_be_visible()
    assert page.evaluate(FAINT) == []


def test_the_dark_scheme_is_dark(service: Service, open_page: Open) -> None:
    """The page follows the colour scheme of the system."""
    ask = "getComputedStyle(document.body).backgroundColor"
    light, dark = (open_page(service, color_scheme=scheme).evaluate(ask) for scheme in ("light", "dark"))
    brightness = [sum(map(int, re.findall(r"\d+", colour))) for colour in (light, dark)]
    assert brightness[0] > 600 > 150 > brightness[1]


def test_screen_readers_get_real_tables(service: Service, open_page: Open) -> None:
    """Tables have captions, scoped headers and explicit roles, which some browsers need where rows look like cards."""
    page = open_page(service, viewport={"width": 390, "height": 844})
    expect(events(page).first).to_be_visible()
    for name, columns in (("Errors by code", 5), ("Errors by domain", 3), (re.compile("newest"), 7)):
        table = page.get_by_role("table", name=name)
        expect(table.get_by_role("columnheader")).to_have_count(columns)
        expect(table.locator("th:not([scope]), tr:not([role]), th:not([role]), td:not([role])")).to_have_count(0)
        expect(table.get_by_role("rowheader").first).to_be_attached()


@pytest.mark.parametrize(("format_name", "first"), [("CSV", "error_code"), ("JSON", "{[")])
def test_the_history_can_be_exported(service: Service, open_page: Open, format_name: str, first: str) -> None:
    """The export buttons download the history as a file of the format they name."""
    page = open_page(service)
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Export {format_name}").click()
    assert re.fullmatch(rf"errors-\d{{4}}-\d\d-\d\dT\d{{6}}\.{format_name.lower()}", download.value.suggested_filename)
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "error_code" in text
    assert text.startswith("timestamp") or text[0] in first


def test_a_request_id_can_be_copied(service: Service, open_page: Open) -> None:
    """One press on a request id puts the whole of it on the clipboard."""
    page = open_page(service, permissions=["clipboard-read", "clipboard-write"])
    button = page.get_by_role("button", name="Copy request id").first
    identifier = button.inner_text()
    button.click()
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == identifier


def test_a_token_is_asked_for(tmp_path: Path, open_page: Open) -> None:
    """A protected dashboard asks for its token, says when it is wrong, and shows everything with the right one."""
    protected = Service(tmp_path, METRICS_DASHBOARD_TOKEN="right-token-of-some-length").start()
    try:
        protected.not_found()
        page = open_page(protected)
        field = page.get_by_label("Token")
        expect(field).to_be_focused()
        expect(page.locator("#board")).to_be_hidden()
        for wrong in ("wrong-token-of-some-length", "schlüssel"):
            field.fill(wrong)
            page.keyboard.press("Enter")
            expect(page.get_by_role("alert")).to_have_text("This token was not accepted. Please try again.")
            expect(field).to_have_value("")
        field.fill("right-token-of-some-length")
        page.keyboard.press("Enter")
        expect(events_of(page, NOT_FOUND)).not_to_have_count(0)
        with page.expect_download():
            page.get_by_role("button", name="Export CSV").click()
        page.reload()  # the tab remembers it
        expect(events(page).first).to_be_visible()
        page.get_by_role("button", name="Forget token").click()
        expect(field).to_be_focused()
        expect(events(page).first).to_be_hidden()
    finally:
        protected.stop()
