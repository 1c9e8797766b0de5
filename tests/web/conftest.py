"""Fixtures for the page's tests: a local mode for each module, and a pretended API."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.running import Stage, start
from support.web.opening import opened
from support.web.pretending import ADDRESS, Pretended


@pytest.fixture(scope="module")
def local_mode() -> Iterator[Stage]:
    with start() as running:
        yield running


@pytest.fixture
def api():
    return Pretended()


@pytest.fixture
def show(browser, api):
    @contextmanager
    def show_page(fragment="", **options):
        with opened(browser, "about:blank", **options) as page:
            api.answer_in(page.context)
            page.goto(ADDRESS + fragment)
            yield page

    return show_page
