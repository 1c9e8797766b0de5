"""Installs packages as Lambda needs them: locked wheels for its machine, each held to its hash."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from chalice.deploy.packager import DependencyBuilder
from chalice.utils import OSUtils

from scripts.archive import MACHINES
from scripts.console import DeploymentError

OLDEST_GLIBC, NEWEST_GLIBC = 17, 34
"""Minor versions of the glibc 2 that a wheel may need: Amazon Linux 2023 has 2.34."""


def install(requirements: Path, target: Path, architecture: str) -> None:
    """Install what a lock file names; raise DeploymentError for a missing or a changed wheel."""
    machine = MACHINES[architecture]
    platforms = [
        f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)
    ] + [f"manylinux2014_{machine}"]
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--only-binary=:all:", "--no-compile", "--target", str(target)),
        *(f"--platform={platform}" for platform in platforms),
        *("--require-hashes", "--requirement", str(requirements)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeploymentError(f"{requirements.name} cannot be installed: {done.stderr.strip()}")


def compile_package(source: Path, target: Path, architecture: str) -> None:
    """Build and install a package of our own; raise DeploymentError if it does not compile."""
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
                # With what the lock files name, rather than what an index has today.
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
        # pip would not install what is for another machine than this.
        with zipfile.ZipFile(wheel) as zipped:
            zipped.extractall(target)


class LockedWheels(DependencyBuilder):
    """Has Chalice pack what the lock file names.

    Chalice's own builder asks for a wheel by name and version where this machine's would not run
    in Lambda, and holds that wheel to no hash.
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
