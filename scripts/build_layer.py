"""The media layer of ``extract_features``: PyAV and Earshot's compiled kernels.

PyAV decodes the formats that libsndfile cannot; its FFmpeg contains GPL codecs. The archive is
built once for each set of requirements and kernels, and published only if Lambda has another one.
"""

import hashlib
import shutil
import sys
from pathlib import Path
from typing import Any

from scripts import archive, wheels
from scripts.record_outputs import APP_NAME

REQUIREMENTS = "requirements/media.txt"
KERNELS = "kernels"


def build(project: Path, architecture: str) -> Path:
    """Build the layer's archive, or find the archive that was built before."""
    requirements, kernels = project / REQUIREMENTS, project / KERNELS
    sources = [requirements, *sorted(path for path in kernels.rglob("*") if path.is_file())]
    runtime = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    version = hashlib.sha256(b"".join(map(Path.read_bytes, sources))).hexdigest()[:12]
    path = project / "build" / f"media-{version}-{runtime}-{architecture}.zip"
    if path.is_file():
        return path
    folder = path.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    wheels.install(requirements, folder / "python", architecture)
    wheels.compile_package(kernels, folder / "python", architecture)
    archive.compile_packages(folder)
    archive.write_zip(folder, path)
    shutil.rmtree(folder)
    return path


class Layer:
    """One of a stage's layers in Lambda; Chalice's own is ``managed-layer``."""

    def __init__(self, client: Any, stage: str, name: str = "media") -> None:
        self._client = client
        self.name = f"{APP_NAME}-{stage}-{name}"

    def publish(self, path: Path, architecture: str) -> tuple[str, bool]:
        """Publish an archive if it is not the last one; return its ARN, and whether it is new."""
        for version in self._versions()[:1]:
            found = self._client.get_layer_version(
                LayerName=self.name, VersionNumber=version["Version"]
            )
            if found["Content"]["CodeSha256"] == archive.digest(path):
                return str(version["LayerVersionArn"]), False
        published = self._client.publish_layer_version(
            LayerName=self.name,
            Description="PyAV with FFmpeg, which carries GPL codecs; Earshot's kernels",
            Content={"ZipFile": path.read_bytes()},
            CompatibleRuntimes=[f"python{sys.version_info[0]}.{sys.version_info[1]}"],
            CompatibleArchitectures=[architecture],
            LicenseInfo="GPL-3.0-or-later",
        )
        return str(published["LayerVersionArn"]), True

    def remove(self, *, keep: str | None = None) -> int:
        """Remove every version except one; return the number removed. Safe to repeat."""
        gone = [found for found in self._versions() if found["LayerVersionArn"] != keep]
        for version in gone:
            self._client.delete_layer_version(LayerName=self.name, VersionNumber=version["Version"])
        return len(gone)

    def _versions(self) -> list[dict[str, Any]]:
        versions = self._client.list_layer_versions(LayerName=self.name)["LayerVersions"]
        return sorted(versions, key=lambda version: -int(version["Version"]))
