"""One local mode for the tests that can share it."""

from collections.abc import Iterator

import pytest
from support.running import Stage, start


@pytest.fixture(scope="module")
def local_mode() -> Iterator[Stage]:
    with start() as running:
        yield running
