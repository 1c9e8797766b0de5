"""Local mode for the tests that can share one."""

from collections.abc import Iterator

import pytest
from running import LocalMode, start


@pytest.fixture(scope="module")
def local_mode() -> Iterator[LocalMode]:
    with start() as running:
        yield running
