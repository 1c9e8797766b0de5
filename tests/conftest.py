"""Fixtures: AWS as moto with the project's template, and a browser."""

import gc
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import boto3
import pytest
from hypothesis import settings
from moto import mock_aws
from playwright.sync_api import Browser, Page
from support import quick_moto
from support.browser import NO_CHROMIUM, PATIENCE_MS, chromium
from support.stand_ins import tables_on_dynalite

from chalicelib.services import Services
from chalicelib.services import services as connected
from local import stack
from local.bulk import moto_in_bulk

# Hypothesis's profile for continuous integration: no deadlines, which a busy machine misses, and
# the same examples each time. `make fuzz` and `make soak` search further.
settings.load_profile("ci")

# librosa compiles its functions at first use, and stores the code on disk. Processes that write and
# read one folder at the same time may crash, so each worker and its children have a separate
# folder.
os.environ["NUMBA_CACHE_DIR"] = str(
    Path(__file__).parents[1]
    / ".pytest_cache/numba"
    / os.environ.get("PYTEST_XDIST_WORKER", "main")
)


# Most objects of a run are the models of AWS that botocore and moto keep. To search through them at
# each of Python's collections took up to a third of a test's CPU time.
gc.set_threshold(20_000, 20, 20)
quick_moto.prepare()

QUICK_S = 2.0
MANY = {"test_histories.py"}
"""Files that take long, and no test of them."""

over_the_limit: list[pytest.TestReport] = []


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are cores: a third of the time tests wait for others."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that no process waits for the last of them."""
    slow = {item.path for item in items if "slow" in item.keywords or item.path.name in MANY}
    items.sort(key=lambda item: item.path not in slow)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.duration > QUICK_S and "slow" not in report.keywords:
        over_the_limit.append(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the tests that take over two seconds. This is not a failure, as machines differ."""
    if over_the_limit:
        terminalreporter.section(f"not marked slow, and over {QUICK_S:.0f} s")
    for report in sorted(over_the_limit, key=lambda report: -report.duration):
        terminalreporter.write_line(f"{report.duration:5.1f} s  {report.nodeid}")
    passed_over = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if NO_CHROMIUM in str(report.longrepr)
    ]
    if passed_over:
        terminalreporter.write_line(
            f"{len(passed_over)} tests of the page were skipped. {NO_CHROMIUM}", yellow=True
        )


@pytest.fixture(scope="module", autouse=True)
def leaks() -> Iterator[None]:
    """Let open files fail a test of the module that opened them, not a later test."""
    yield
    gc.collect()
    gc.freeze()  # what is left stays, and need not be searched again


@pytest.fixture
def services(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """The application's services, on a stack that is created from the template for each test.

    A test that is parametrised with ON_EACH_DATABASE runs with tables on moto, then on dynalite.
    """
    for name, value in stack.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(), moto_in_bulk():
        boto3.setup_default_session()
        for name, value in stack.create().items():
            monkeypatch.setenv(name, value)
        connected.cache_clear()
        on_dynalite = getattr(request, "param", "moto") == "dynalite"
        with tables_on_dynalite(connected()) if on_dynalite else nullcontext(connected()) as made:
            yield made
        connected.cache_clear()


@pytest.fixture
def put(services: Services) -> Callable[..., str]:
    """Put an object into the bucket; return its recording's id."""

    def put_object(key: str, body: bytes, **metadata: str) -> str:
        boto3.client("s3").put_object(
            Bucket=services.media.bucket, Key=key, Body=body, Metadata=metadata
        )
        upload = services.media.find(key)
        assert upload is not None
        return upload.recording_id

    return put_object


@pytest.fixture
def application(services: Services) -> ModuleType:  # noqa: ARG001  # its settings are read here
    """The module ``app``, imported again, because it reads its settings when it is imported."""
    sys.modules.pop("app", None)
    return importlib.import_module("app")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium, for the tests of one file."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page, in a profile that ends with the test."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()
