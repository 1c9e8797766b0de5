"""Local mode for the page's tests, one for each file of them."""

from collections.abc import Iterator

import pytest
from running import LocalMode, start


@pytest.fixture(scope="module")
def local_mode() -> Iterator[LocalMode]:
    with start() as running:
        yield running
