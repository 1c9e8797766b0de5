"""The packages that Chalice will upload: built by Chalice, and checked before any change in AWS."""

import hashlib
import json
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chalice

from scripts import archive
from scripts.chalice_internals import (
    UI,
    AppOnlyDeploymentPackager,
    EmptyPackageError,
    LayerDeploymentPackager,
    OSUtils,
)
from scripts.console import DeploymentError
from scripts.record_outputs import LAYERS, functions, read_config
from scripts.wheels import LockedWheels

MIB = 2**20
RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
"""Chalice deploys for the Python that runs it."""

FUNCTION_LIMIT = 3 * MIB  # half a MB of source, and the compiled files of each Python version
LAYER_LIMIT = 30 * MIB
ZIPPED_LIMIT = 50 * MIB
UNZIPPED_LIMIT = 250 * MIB
"""The last two limits are Lambda's; the first two are Earshot's, so that a deployment is fast."""

TEMPORARY_DISK_MB = 2048
"""Temporary disk of the function that measures. It keeps each frame until the loudest is known.

A frame takes 4 bytes for each of 128 bands, 8 for energy and 24 for pitch. The longest stereo
recording whose channels are measured separately has 4 h x 22,050 Hz / 512 = 620,156 frames in each
channel, which take 643 MB. At 48,000 Hz, the highest rate of Transcribe, they take 1,401 MB. By
default a function has 512 MB.
"""

FREE_DISK_MB = 512
"""Temporary disk that every function has at no cost.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html
"""


@dataclass(frozen=True, slots=True)
class Package:
    """The archives of a function."""

    function: Path
    requirements: Path | None

    @property
    def sizes(self) -> str:
        """Both sizes, as text."""
        parts = {"functions": self.function, "requirements": self.requirements}
        return ", ".join(
            f"{name} {path.stat().st_size / MIB:.1f} MB zipped"
            for name, path in parts.items()
            if path
        )


def architecture(project: Path, stage: str) -> str:
    """Return the processor architecture of the stage's functions."""
    config = read_config(project)
    entry = config["stages"].get(stage, {})
    found = entry.get("lambda_architecture") or config.get("lambda_architecture") or "x86_64"
    if found not in archive.MACHINES:
        raise DeploymentError(f"lambda_architecture must be x86_64 or arm64, not {found!r}.")
    return str(found)


def build(project: Path, machine: str) -> Package:
    """Let Chalice build its archives, or find them; add the ``.pyc`` that Chalice leaves out.

    Chalice uses archives that it finds under the same name, so ``chalice deploy`` uploads these.
    """
    settings: dict[str, Any] = {
        "osutils": OSUtils(),
        "dependency_builder": LockedWheels(machine),
        "ui": _Silence(),
        "architecture": machine,
    }
    function = AppOnlyDeploymentPackager(**settings).create_deployment_package(
        str(project), RUNTIME
    )
    packager = LayerDeploymentPackager(**settings | {"osutils": _Uncompressed()})
    layer = Path(packager.deployment_package_filename(str(project), RUNTIME))
    if layer.is_file() and not archive.is_compiled(layer):
        # ``chalice deploy`` alone has built it, without a check of every wheel's hash.
        layer.unlink()
    try:
        packager.create_deployment_package(str(project), RUNTIME)
    except EmptyPackageError:
        return Package(Path(function), None)
    archive.recompile(layer, project / "build" / "requirements")
    return Package(Path(function), layer)


class _Uncompressed(OSUtils):
    """Chalice's archive without compression, because it is unpacked to add the ``.pyc`` files."""

    ZIP_DEFLATED = zipfile.ZIP_STORED


class _Silence(UI):
    """A silent output for Chalice, because ``chalice deploy`` prints the same again."""

    def write(self, msg: str) -> None:
        """Print nothing."""


def check(package: Package, layers: Mapping[str, Path], project: Path, machine: str) -> None:
    """Raise DeploymentError if a wheel is missing or wrong, or Lambda would refuse the size."""
    if package.requirements:
        archive.check_packages(package.requirements, project / "requirements.txt", machine)
        _check_size("The layer of requirements.txt", package.requirements, LAYER_LIMIT)
    _check_size("The functions' own archive", package.function, FUNCTION_LIMIT)
    for name, path in layers.items():
        _check_size(f"The layer {name}", path, ZIPPED_LIMIT)
    for function, names in LAYERS.items():
        parts = [package.function, package.requirements, *(layers[name] for name in names)]
        unzipped = sum(archive.unzipped_bytes(path) for path in parts if path)
        if unzipped > UNZIPPED_LIMIT:
            raise DeploymentError(
                f"{function} and its layers would unpack to {unzipped / MIB:.0f} MB; "
                f"Lambda allows {UNZIPPED_LIMIT // MIB} MB."
            )


def _check_size(name: str, path: Path, limit: int) -> None:
    size = path.stat().st_size
    if size > limit:
        raise DeploymentError(f"{name} has {size / MIB:.1f} MB; the limit is {limit // MIB} MB.")


def fingerprint(package: Package, project: Path, stage: str) -> str:
    """Return a digest of all that ``chalice deploy`` would send. If it is equal, do nothing."""
    config: dict[str, Any] = read_config(project)
    config["stages"] = {stage: config["stages"][stage]}
    mark = hashlib.sha256(f"{chalice.__version__} {sys.version_info[:2]}".encode())
    mark.update(json.dumps(config, sort_keys=True).encode())
    for function in functions(project):
        mark.update((project / f".chalice/policies/{stage}/{function}.json").read_bytes())
    for path in (package.function, package.requirements):
        if path:
            # Chalice's archives contain times, but their names contain a digest of their contents.
            mark.update(path.name.encode())
    return mark.hexdigest()[:32]
