"""The Makefile's targets pass on the user's text unchanged, with any characters."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OF_A_SUB_MAKE = {"MAKELEVEL", "MAKEFLAGS", "MFLAGS"}
HARD_NAMES = [
    "my talk.wav",
    'O\'Brien "x" $5.wav',
    "$(HOME) `id` \\.wav",
    "a, b; c & d.wav",
    "~/x.wav",
    "*.wav",
    "日本 #1%20?.wav",
]


@pytest.fixture
def make(tmp_path):
    """Return a function that runs a target with a Python that prints its arguments as JSON."""
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    python.chmod(0o755)
    for name in (".local", ".kernels", ".desk"):
        (tmp_path / name).touch()  # newer than its lock file, so that nothing is installed

    def make(*arguments):
        made = subprocess.run(
            [shutil.which("make"), f"BIN={tmp_path}", *arguments],
            # Under `make test` this make would be a sub-make, and print its folder.
            env={name: value for name, value in os.environ.items() if name not in OF_A_SUB_MAKE},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(made.stdout)

    return make


@pytest.mark.parametrize("name", HARD_NAMES)
@pytest.mark.parametrize("target", ["process", "compare", "chart"])
def test_a_file_name_is_passed_on_unchanged(make, target, name):
    assert make(target, f"FILE={name}")[-2:] == ["--", name]


@pytest.mark.parametrize("name", HARD_NAMES)
def test_folder_names_are_passed_on_unchanged(make, name):
    assert make("process", f"OUT={name}") == ["-m", "local", "process", "--out", name]
    assert make("run", f"DATA={name}") == ["-m", "local", "run", "--data", name]


@pytest.mark.parametrize("name", HARD_NAMES)
def test_an_archive_and_its_owner_are_passed_on_unchanged(make, name):
    made = make("backfill", f"FROM=s3://a/{name}", "STAGE=local", f"OWNER={name}")

    assert made[2:] == ["--stage", "local", "--owner", name, "--", f"s3://a/{name}"]
    assert make("retry", f"REASON={name}")[2:] == ["dev", "--reason", name]


def test_run_takes_a_port(make):
    assert make("run", "PORT=5999") == ["-m", "local", "run", "--port", "5999"]


def test_a_variable_that_is_not_given_is_not_passed_on(make):
    assert make("run") == ["-m", "local", "run"]
    assert make("process") == ["-m", "local", "process", "--out", "out"]
    assert make("compare")[-1] == "samples/sample.wav"
