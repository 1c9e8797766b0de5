"""A real Chromium for the tests, driven by Playwright: the distribution's, without a profile."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

# Root in a container has no sandbox; the other flags stop Chromium's own network requests.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The first has no window of its own, which others draw though nobody sees it: they take 176 CPU s
# for the tests of the page, and it takes 104.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
PATIENCE_MS = 30_000
NO_CHROMIUM = "Chromium is not installed: apt-get install chromium-headless-shell, or chromium"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium; if it is not installed, the test is skipped."""
    path = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if path is None:
        pytest.skip(NO_CHROMIUM)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        try:
            yield running
        finally:
            running.close()
