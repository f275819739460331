"""The node's pages in a real Chromium: both languages, a phone and a desk, no fault that axe can find, nothing cut off."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from api.app import create_app
from tests.api.site import CASE, serve

pytestmark = pytest.mark.serial
PATHS = ("/", f"/trace/{CASE.hex()}", "/docs", "/trace/" + "9" * 64)
WIDTHS = (390, 1280)
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync")  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """A page that is shown, and what the browser complained about."""

    page: Page
    complaints: list[str]


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("site"), long_names=True) as served:
        started = threading.Event()

        class Server(uvicorn.Server):
            async def startup(self, sockets=None) -> None:
                await super().startup(sockets)
                started.set()

        server = Server(uvicorn.Config(create_app(served.site), port=0, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run)
        thread.start()
        assert started.wait(30)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as started:
        found = started.chromium.launch(
            executable_path=os.environ.get("TONGBAN_TEST_BROWSER") or shutil.which("chromium"), args=list(_FLAGS)
        )
        yield found
        found.close()


def shown(browser: Browser, url: str, width: int) -> Opened:
    page = browser.new_page(viewport={"width": width, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)
    return Opened(page, complaints)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_whole_and_open_to_everybody(browser, address, path, width, lang):
    opened = shown(browser, f"{address}{path}?lang={lang}", width)
    page = opened.page
    wanted = "404" if path == PATHS[-1] else ""
    assert [text for text in opened.complaints if not (wanted and wanted in text)] == []
    assert page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[lang]
    assert page.locator("h1").count() == 1
    # What is folded away is looked at as well.
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    # Nothing is wider than the screen, whatever a place is called.
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    # By day and by night, and on paper.
    for media in ({"color_scheme": "light"}, {"color_scheme": "dark"}, {"color_scheme": "dark", "media": "print"}):
        page.emulate_media(**media)
        found = Axe().run(page)
        assert found.violations_count == 0, (media, found.generate_report())
    page.close()


def test_on_paper_there_is_no_dark_ground_and_nothing_to_press(browser, address):
    page = shown(browser, f"{address}/trace/{CASE.hex()}?lang=zh", 1280).page
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for unwanted in (".language", ".back", ".skip"):
        assert not page.locator(unwanted).is_visible()
    assert page.locator(".timeline li").first.is_visible()
    page.emulate_media(color_scheme="dark", media="screen")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 24, 30)"
    page.close()


def test_the_other_language_is_one_press_away_and_everything_is_reached_by_keyboard(browser, address):
    page = shown(browser, f"{address}/?lang=zh", 1280).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('href')"))
    assert {"/checkpoint", "/openapi.json", "/metrics", "/docs?lang=zh", f"/trace/{CASE.hex()}?lang=zh"} <= reached
    page.get_by_text("English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    page.close()


def test_a_case_leads_to_its_trace_and_back(browser, address):
    page = shown(browser, f"{address}/?lang=en", 390).page
    page.locator(".cases a").first.click()
    assert "Trace" in page.locator("h1").inner_text()
    page.get_by_text("Back to the node").click()
    assert page.locator(".members li").count() == 2
    page.close()
