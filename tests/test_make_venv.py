"""A virtual environment with pip, even from a Python packaged without venv and pip."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "make_venv.sh"

pytestmark = pytest.mark.slow


def apt_offers_pip() -> bool:
    """True if apt has a pip for this Python; the distribution's pip fits its own Python only."""
    if not (shutil.which("apt-cache") and shutil.which("dpkg-deb")):
        return False
    found = subprocess.run(
        ["apt-cache", "show", "python3-pip-whl", "python3"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    versions = dict(
        re.findall(r"^Package: (\S+)$.*?^Version: (\S+)$", found, re.MULTILINE | re.DOTALL)
    )
    own = f"{sys.version_info.major}.{sys.version_info.minor}."
    return "python3-pip-whl" in versions and versions.get("python3", "").startswith(own)


def make_venv(tmp_path: Path, *refused: str) -> Path:
    """Make an environment with an interpreter that lacks some modules for it."""
    python = tmp_path / "python3"
    cases = "".join(f'  "{start}"*) exit 1 ;;\n' for start in refused)
    python.write_text(
        f'#!/bin/sh\ncase "$*" in\n  *--without-pip*) ;;\n{cases}esac\n'
        f'exec "{sys._base_executable}" "$@"\n'
    )
    python.chmod(0o755)
    folder = tmp_path / "venv"
    # Without the folder of this environment's tools, such as uv.
    path = os.pathsep.join(part for part in os.defpath.split(os.pathsep) if part)
    subprocess.run(
        ["sh", SCRIPT, python, folder], env={**os.environ, "PATH": path}, check=True, timeout=200
    )
    return folder / "bin" / "python"


@pytest.mark.parametrize(
    "refused",
    [
        (),
        ("-m venv",),
        pytest.param(
            ("-m venv", "-m pip"),
            marks=pytest.mark.skipif(not apt_offers_pip(), reason="apt has no pip for this Python"),
        ),
    ],
    ids=["whole", "no ensurepip", "no ensurepip and no pip"],
)
def test_the_environment_has_a_pip(tmp_path, refused):
    python = make_venv(tmp_path, *refused)

    said = subprocess.check_output([python, "-m", "pip", "--version"], text=True)

    assert str(tmp_path) in said
