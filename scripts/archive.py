"""Zip archives of Python packages: checked, and with the same bytes for the same packages."""

import base64
import compileall
import hashlib
import py_compile
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from scripts.console import DeploymentError

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
PIN = re.compile(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip can hold; with the files' own times, no two builds would be equal."""


def compile_packages(folder: Path) -> None:
    """Put a ``.pyc`` beside every module, because Lambda's file system is read-only later."""
    # Unchecked: the archive never changes, so there are no times to compare, and the bytes are
    # always the same.
    compileall.compile_dir(
        folder,
        quiet=2,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        stripdir=str(folder),
        workers=1,
    )


def write_zip(folder: Path, archive: Path) -> None:
    """Write a folder's files into an archive, completely or not at all."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    scratch = archive.with_suffix(".new")
    with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(found for found in folder.rglob("*") if found.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o755 << 16
            zipped.writestr(entry, path.read_bytes())
    scratch.replace(archive)


def is_compiled(archive: Path) -> bool:
    """Return whether an archive has ``.pyc`` files."""
    with zipfile.ZipFile(archive) as zipped:
        return any(name.endswith(".pyc") for name in zipped.namelist())


def recompile(archive: Path, scratch: Path) -> None:
    """Add the missing ``.pyc`` files to an archive."""
    if is_compiled(archive):
        return
    shutil.rmtree(scratch, ignore_errors=True)
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(scratch)
    compile_packages(scratch)
    write_zip(scratch, archive)
    shutil.rmtree(scratch)


def digest(archive: Path) -> str:
    """Return the SHA-256 of an archive in Lambda's form."""
    return base64.b64encode(hashlib.sha256(archive.read_bytes()).digest()).decode()


def unzipped_bytes(archive: Path) -> int:
    """Return the unpacked size of an archive in bytes."""
    with zipfile.ZipFile(archive) as zipped:
        return sum(entry.file_size for entry in zipped.infolist())


def check_packages(archive: Path, requirements: Path, architecture: str) -> None:
    """Raise DeploymentError unless an archive has every required package, built for Lambda."""
    with zipfile.ZipFile(archive) as zipped:
        found = {
            _normal(match[1]): (match[2], zipped.read(name).decode())
            for name in zipped.namelist()
            if (match := re.search(r"([^/]+?)-([^-/]+)\.dist-info/WHEEL$", name))
        }
    for name, version in _pins(requirements):
        if name not in found or found[name][0] != version:
            raise DeploymentError(
                f"{name} {version} is not in the package: there is no wheel of it for Lambda's "
                f"Python {sys.version_info[0]}.{sys.version_info[1]} on {architecture}."
            )
    for name, (_, wheel) in found.items():
        tags = re.findall(r"^Tag: \S+-(\S+)$", wheel, re.MULTILINE)
        if not any(tag == "any" or tag.endswith(MACHINES[architecture]) for tag in tags):
            raise DeploymentError(f"{name} was built for {', '.join(tags)}, not {architecture}.")


def _pins(requirements: Path) -> Iterator[tuple[str, str]]:
    for match in PIN.finditer(requirements.read_text()):
        yield _normal(match[1]), match[2]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
