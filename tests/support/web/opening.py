"""The page in a browser: opening it, and waiting for its player."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from support.browser import PATIENCE_MS

expect.set_options(timeout=PATIENCE_MS)

PROCESSED_MS = 240_000
DESKTOP = {"width": 1360, "height": 860}
PHONE = {"width": 390, "height": 844}


@contextmanager
def opened(browser: Browser, address: str, **options: object) -> Iterator[Page]:
    """Open the page. Any error in the console fails the test."""
    context = browser.new_context(**{"viewport": DESKTOP, "accept_downloads": True, **options})
    context.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(f"{message.text} ({message.location['url']})")
            if message.type == "error"
            else None
        ),
    )
    # Text from a recording must never run as a script.
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.complaints = complaints
    try:
        page.goto(address)
        yield page
        assert not complaints, complaints
    finally:
        context.close()


def row(page: Page, name: str) -> Locator:
    return page.locator("a.row", has=page.locator(".row-name", has_text=name))


def upload(page: Page, *files: object) -> None:
    page.locator("#files").set_input_files(list(files))


def expect_done(page: Page, name: str, *chips: str) -> None:
    for words in chips:
        expect(row(page, name).get_by_text(words, exact=True)).to_be_visible(timeout=PROCESSED_MS)


def played_to(page: Page, seconds: float) -> None:
    """Wait until the player has reached a time."""
    page.wait_for_function(
        "seconds => document.querySelector('video').currentTime >= seconds", arg=seconds
    )


def stands_at(page: Page, seconds: float) -> None:
    """Wait until the player stands at a time; it may still be loading its media."""
    page.wait_for_function(
        "seconds => Math.abs(document.querySelector('video').currentTime - seconds) < 0.001",
        arg=seconds,
    )


def violations(page: Page) -> list[str]:
    """Return axe's findings, by rule and element."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {json.dumps(node['target'])} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]
