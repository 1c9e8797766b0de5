"""A machine without Chromium is told in one line which tests were skipped, and how to run them."""

import os
import subprocess
import sys

import pytest
from support.browser import NO_CHROMIUM
from support.running import ROOT

pytestmark = pytest.mark.slow


def test_what_is_skipped_without_chromium_is_said_in_one_line():
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/web", "-q", "-k", "chosen or days"],
        cwd=ROOT,
        env=os.environ | {"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    told = [line for line in ended.stdout.splitlines() if line.startswith("3 tests of the page")]
    assert told == [f"3 tests of the page were skipped. {NO_CHROMIUM}"], ended.stdout
