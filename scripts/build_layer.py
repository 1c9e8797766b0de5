"""The layers that Chalice does not build: decoders and kernels, and Earshot's own recogniser.

``media`` has PyAV, which decodes the formats that libsndfile cannot, and the compiled kernels.
``speech`` and ``model`` have Moonshine and PocketSphinx in two parts, because Lambda takes no more
than 50 MB at once. Each archive is built once for its sources, and published only if Lambda has
another one.
"""

import hashlib
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import archive, wheels
from scripts.record_outputs import APP_NAME

KERNELS = "kernels"
MODEL = r"moonshine_voice/assets/tiny-en/"
UNUSED = (
    # Sounds, and the files of other models.
    r"moonshine_voice/assets/(?!tiny-en/)",
    # Language models: the aligner does not need them, because it gets the words.
    r"pocketsphinx/model/en-us/en-us(-phone)?\.lm\.bin",
    r"bin/",
)


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a layer: the packages of a lock, all or some of their files, and the kernels.

    ``only`` and ``without`` match the start of a file's path below ``python/``.
    """

    description: str
    license: str
    requirements: str
    only: str = ""
    without: tuple[str, ...] = ()
    has_kernels: bool = False

    def has(self, name: str) -> bool:
        """Return whether a file of the packages is in the layer."""
        return bool(re.match(self.only, name)) and not any(
            re.match(pattern, name) for pattern in self.without
        )


LAYERS: Mapping[str, Contents] = {
    "media": Contents(
        "PyAV with FFmpeg, which contains GPL codecs; Earshot's kernels",
        "GPL-3.0-or-later",
        "requirements/media.txt",
        has_kernels=True,
    ),
    "speech": Contents(
        "Moonshine and PocketSphinx: Earshot's own recogniser",
        "MIT",
        "requirements/speech.txt",
        without=(MODEL, *UNUSED),
    ),
    "model": Contents(
        "Moonshine's smallest English model", "MIT", "requirements/speech.txt", only=MODEL
    ),
}


def build(project: Path, architecture: str) -> dict[str, Path]:
    """Build the layers' archives, or find those that were built before; return them by name."""
    return {name: _build(project, architecture, name) for name in LAYERS}


def _build(project: Path, architecture: str, name: str) -> Path:
    contents = LAYERS[name]
    requirements, kernels = project / contents.requirements, project / KERNELS
    sources = [requirements]
    if contents.has_kernels:
        sources += sorted(path for path in kernels.rglob("*") if path.is_file())
    runtime = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    mark = hashlib.sha256(b"".join(map(Path.read_bytes, sources)))
    mark.update(repr(contents).encode())
    path = project / "build" / f"{name}-{mark.hexdigest()[:12]}-{runtime}-{architecture}.zip"
    if path.is_file():
        return path
    folder = path.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    packages = folder / "python"
    wheels.install(requirements, packages, architecture)
    if contents.has_kernels:
        wheels.compile_package(kernels, packages, architecture)
    for file in [found for found in packages.rglob("*") if found.is_file()]:
        if not contents.has(file.relative_to(packages).as_posix()):
            file.unlink()
    archive.compile_packages(folder)
    archive.write_zip(folder, path)
    shutil.rmtree(folder)
    return path


class Layer:
    """One of a stage's layers in Lambda; Chalice's own is ``managed-layer``."""

    def __init__(self, client: Any, stage: str, name: str) -> None:
        self._client = client
        self._kind = name
        self.name = f"{APP_NAME}-{stage}-{name}"

    def publish(self, path: Path, architecture: str) -> tuple[str, bool]:
        """Publish an archive if it is not the last one; return its ARN, and whether it is new."""
        for version in self._versions()[:1]:
            found = self._client.get_layer_version(
                LayerName=self.name, VersionNumber=version["Version"]
            )
            if found["Content"]["CodeSha256"] == archive.digest(path):
                return str(version["LayerVersionArn"]), False
        contents = LAYERS[self._kind]
        published = self._client.publish_layer_version(
            LayerName=self.name,
            Description=contents.description,
            Content={"ZipFile": path.read_bytes()},
            CompatibleRuntimes=[f"python{sys.version_info[0]}.{sys.version_info[1]}"],
            CompatibleArchitectures=[architecture],
            LicenseInfo=contents.license,
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
