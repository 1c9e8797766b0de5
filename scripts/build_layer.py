"""The media layer: PyAV, which decodes what libsndfile cannot, for the function that measures.

Its FFmpeg carries GPL codecs. The archive is built once for each set of requirements and published
only when what is in Lambda differs.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts import archive
from scripts.console import DeploymentError
from scripts.record_outputs import APP_NAME

REQUIREMENTS = "requirements-media.txt"
OLDEST_GLIBC, NEWEST_GLIBC = 17, 34
"""Minor versions of the glibc 2 that a wheel may need: Amazon Linux 2023 has 2.34."""


def build(project: Path, architecture: str) -> Path:
    """Build the layer's archive, or find the one built before."""
    requirements = project / REQUIREMENTS
    runtime = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    version = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    path = project / "build" / f"media-{version}-{runtime}-{architecture}.zip"
    if path.is_file():
        return path
    folder = path.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    _install(requirements, folder / "python", architecture)
    archive.compile_packages(folder)
    archive.write_zip(folder, path)
    shutil.rmtree(folder)
    return path


def _install(requirements: Path, target: Path, architecture: str) -> None:
    machine = archive.MACHINES[architecture]
    platforms = [
        f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)
    ] + [f"manylinux2014_{machine}"]
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--only-binary=:all:", "--no-compile", "--target", str(target)),
        *(f"--platform={platform}" for platform in platforms),
        *("--requirement", str(requirements)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeploymentError(f"The media layer cannot be built: {done.stderr.strip()}")


class Layer:
    """One of a stage's layers in Lambda; Chalice's own is ``managed-layer``."""

    def __init__(self, client: Any, stage: str, name: str = "media") -> None:
        self._client = client
        self.name = f"{APP_NAME}-{stage}-{name}"

    def publish(self, path: Path, architecture: str) -> tuple[str, bool]:
        """Publish an archive unless it is what was published last; return its ARN and whether."""
        for version in self._versions()[:1]:
            found = self._client.get_layer_version(
                LayerName=self.name, VersionNumber=version["Version"]
            )
            if found["Content"]["CodeSha256"] == archive.digest(path):
                return str(version["LayerVersionArn"]), False
        published = self._client.publish_layer_version(
            LayerName=self.name,
            Description="PyAV with FFmpeg, which carries GPL codecs",
            Content={"ZipFile": path.read_bytes()},
            CompatibleRuntimes=[f"python{sys.version_info[0]}.{sys.version_info[1]}"],
            CompatibleArchitectures=[architecture],
            LicenseInfo="GPL-3.0-or-later",
        )
        return str(published["LayerVersionArn"]), True

    def remove(self, *, keep: str | None = None) -> int:
        """Remove every version but one; return how many. Safe to repeat."""
        gone = [found for found in self._versions() if found["LayerVersionArn"] != keep]
        for version in gone:
            self._client.delete_layer_version(LayerName=self.name, VersionNumber=version["Version"])
        return len(gone)

    def _versions(self) -> list[dict[str, Any]]:
        versions = self._client.list_layer_versions(LayerName=self.name)["LayerVersions"]
        return sorted(versions, key=lambda version: -int(version["Version"]))
