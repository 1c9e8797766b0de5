"""A local mode, or a gateway alone, for the tests that can share it."""

from collections.abc import Iterator

import boto3
import pytest
from support.running import Stage, start

from local import stack
from local.direct import answered_directly
from local.gateway import Gateway


@pytest.fixture(scope="module")
def local_mode() -> Iterator[Stage]:
    with start() as running:
        yield running


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """A gateway whose server is not started, so that nothing can come by a connection."""
    for name, value in stack.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    gateway = Gateway()
    monkeypatch.setenv("AWS_ENDPOINT_URL", gateway.url)
    with answered_directly(gateway):
        yield gateway
    boto3.DEFAULT_SESSION = None
    gateway.server.server_close()
