"""The recordings that a command line names: files, folders and patterns."""

import glob
from collections.abc import Iterable
from pathlib import Path

from chalicelib.core.probe.formats import FORMATS, extension


def recordings_of(names: Iterable[str]) -> list[str]:
    """Return the paths of all recordings that the names stand for, in their order.

    An existing file comes first, so that ``a[1].wav`` can be named. Then ``~`` and patterns are
    expanded, if no shell has done so. A folder stands for the recordings in it and below. A name
    without a match is returned unchanged, and opening it gives the error.
    """
    return [
        recording
        for name in names
        for path in _matches(name)
        for recording in (_inside(path) if Path(path).is_dir() else [path])
    ]


def _matches(name: str) -> list[str]:
    if Path(name).exists():
        return [name]
    expanded = str(Path(name).expanduser()) if name.startswith("~") else name
    # A pattern may be absolute, which Path.glob does not accept.
    return sorted(glob.glob(expanded, recursive=True)) or [expanded]  # noqa: PTH207  # Path.glob refuses absolute patterns


def _inside(folder: str) -> list[str]:
    within = sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())
    return [path for path in within if extension(path) in FORMATS] or [folder]
