"""One version for the application, its packages and its compiled kernels."""

import re
from pathlib import Path

import chalicelib

ROOT = Path(__file__).parents[1]
STATED = {
    "pyproject.toml": r'^version = "(.*)"$',
    "CITATION.cff": r"^version: (.*)$",
    "kernels/earshot_kernels/__init__.py": r'^__version__ = "(.*)"$',
}


def test_every_file_that_states_the_version_states_the_same():
    stated = {
        path: re.findall(pattern, (ROOT / path).read_text(), re.MULTILINE)
        for path, pattern in STATED.items()
    }

    assert stated == {path: [chalicelib.__version__] for path in STATED}
