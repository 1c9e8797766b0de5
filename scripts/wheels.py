"""Installs locked packages as Lambda needs them: wheels for its machine, each held to its hash."""

import subprocess
import sys
from pathlib import Path

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
