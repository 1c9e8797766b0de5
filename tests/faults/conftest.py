"""A separate application and environment for histories."""

import logging
import sys
from collections.abc import Iterator

import pytest
from support.faults.connecting import ENVIRONMENT

from chalicelib.core.audio import decoding
from chalicelib.core.features import extract
from chalicelib.core.speech import parts, recogniser
from chalicelib.pipeline import recognition


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    # What histories replace is put back.
    monkeypatch.setattr(extract, "extract", extract.extract)
    monkeypatch.setattr(decoding, "DecodedAudio", decoding.DecodedAudio)
    monkeypatch.setattr(parts, "utterances", parts.utterances)
    monkeypatch.setattr(parts, "PART_S", parts.PART_S)
    monkeypatch.setattr(recogniser, "_audible", recogniser._audible)
    monkeypatch.setattr(recognition, "_engine", recognition._engine)
    monkeypatch.delitem(sys.modules, "app", raising=False)
    logging.disable(logging.CRITICAL)  # handlers fail on purpose, thousands of times
    yield
    logging.disable(logging.NOTSET)
