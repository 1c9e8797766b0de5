"""Packages for Lambda: locked wheels for its processor, each checked against its hash."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.archive import MACHINES
from scripts.chalice_internals import DependencyBuilder, OSUtils
from scripts.console import DeploymentError

OLDEST_GLIBC, NEWEST_GLIBC = 17, 34
"""Minor versions of glibc 2 that a wheel may require; Amazon Linux 2023 has 2.34."""


def install(requirements: Path, target: Path, architecture: str) -> None:
    """Install a lock file's packages; raise DeploymentError if a wheel is missing or changed."""
    machine = MACHINES[architecture]
    platforms = [
        f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)
    ] + [f"manylinux2014_{machine}"]
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        # A lock has every package that is needed here. A wheel may ask for more than these.
        *("--only-binary=:all:", "--no-deps", "--no-compile", "--target", str(target)),
        *(f"--platform={platform}" for platform in platforms),
        *("--require-hashes", "--requirement", str(requirements)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeploymentError(f"{requirements.name} cannot be installed: {done.stderr.strip()}")


def compile_package(source: Path, target: Path, architecture: str) -> None:
    """Build and install one of Earshot's packages; raise DeploymentError if it does not compile."""
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
                # Build with the packages of the lock files, not with today's versions.
                *("--no-build-isolation", "--no-deps", "--wheel-dir", folder, str(source)),
            ],
            env=os.environ | {"EARSHOT_MACHINE": MACHINES[architecture]},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DeploymentError(f"{source.name} cannot be compiled: {done.stderr.strip()}")
        (wheel,) = Path(folder).iterdir()
        # pip does not install packages for another processor.
        with zipfile.ZipFile(wheel) as zipped:
            zipped.extractall(target)


class LockedWheels(DependencyBuilder):
    """A builder that makes Chalice pack the lock file's packages.

    Chalice's own builder fetches a wheel by name and version if this machine's wheel cannot run
    in Lambda, and checks no hash.
    """

    def __init__(self, architecture: str) -> None:
        super().__init__(OSUtils(), architecture=architecture)
        self._architecture = architecture

    def build_site_packages(
        self,
        abi: str,  # noqa: ARG002  # this Python's, always
        requirements_filepath: str,
        target_directory: str,
    ) -> None:
        """Install the packages into a folder."""
        install(Path(requirements_filepath), Path(target_directory), self._architecture)
