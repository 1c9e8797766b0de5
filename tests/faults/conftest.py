"""A separate application and environment for histories."""

import logging
import sys
from collections.abc import Iterator

import pytest
from support.faults.histories import ENVIRONMENT

from chalicelib.core.features import extract


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(extract, "extract", extract.extract)
    monkeypatch.delitem(sys.modules, "app", raising=False)
    logging.disable(logging.CRITICAL)  # handlers fail on purpose, thousands of times
    yield
    logging.disable(logging.NOTSET)
