"""The files of a batch: each is hashed and counted as it is written, forwards only."""

import hashlib
import io
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from chalicelib.core.features.tables import compressed

if TYPE_CHECKING:
    import gzip

OpenFile = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens a new file for writing; if the block is left by an exception, the file is discarded."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """A file of a data set: its path within it, its size and hash, and its utterances."""

    path: str
    n_bytes: int
    sha256: str
    split: str | None = None
    n_utterances: int | None = None


class HashedFile(io.RawIOBase):
    """A file that is written forwards; ``report`` is there when it is closed."""

    def __init__(self, path: str, opened: AbstractContextManager[BinaryIO]) -> None:
        self.path = path
        self._digest = hashlib.sha256()
        self._n_bytes = 0
        self._stack = ExitStack()
        self._stream = self._stack.enter_context(opened)

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: object, /) -> int:
        """Write bytes, all of them."""
        view = memoryview(data).cast("B")  # type: ignore[arg-type]  # any buffer
        self._digest.update(view)
        self._stream.write(view)
        self._n_bytes += len(view)
        return len(view)

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._n_bytes

    def finish(self, *, split: str | None = None, n_utterances: int | None = None) -> FileReport:
        """Keep the file and return its report."""
        self._stack.close()
        return FileReport(self.path, self._n_bytes, self._digest.hexdigest(), split, n_utterances)

    def discard(self, exc: BaseException) -> None:
        """Do not keep the file."""
        self._stack.__exit__(type(exc), exc, exc.__traceback__)


class Outputs:
    """All files of one batch and one split.

    A file that has its own name in the data set is created by ``create``. A part, which is joined
    with the parts of the other batches, is opened by ``part`` and stays open until the end.

    Parameters
    ----------
    open_file : callable
        opens a file of the data set by its path
    batch : int
        number of the batch
    split : str
        name of the split
    """

    def __init__(self, open_file: OpenFile, *, batch: int, split: str) -> None:
        self._open_file = open_file
        self.batch = batch
        self.split = split
        self.reports: list[FileReport] = []
        self.part_reports: list[FileReport] = []
        self._open: dict[str, HashedFile] = {}
        self._parts: dict[str, tuple[HashedFile, gzip.GzipFile | None]] = {}

    def create(self, path: str) -> HashedFile:
        """Create a file of the data set, to be given to ``keep``."""
        self._open[path] = HashedFile(path, self._open_file(path))
        return self._open[path]

    def keep(self, file: HashedFile, *, n_utterances: int) -> None:
        """Finish a file that was created."""
        del self._open[file.path]
        self.reports.append(file.finish(split=self.split, n_utterances=n_utterances))

    def part(self, name: str) -> BinaryIO:
        """Open the batch's part of a file that all batches write together.

        If the name ends with ``.gz``, the part is compressed; joined parts are again such a file.
        """
        if name not in self._parts:
            path = part_path(self.batch, f"{self.split}/{name}")
            file = HashedFile(path, self._open_file(path))
            self._parts[name] = (file, compressed(file) if name.endswith(".gz") else None)
        file, zipped = self._parts[name]
        return zipped or file  # type: ignore[return-value]  # typeshed's GzipFile is no BinaryIO

    def close(self) -> None:
        """Finish the parts."""
        for file, zipped in self._parts.values():
            if zipped:
                zipped.close()
            self.part_reports.append(file.finish())
        self._parts.clear()

    def discard(self, exc: BaseException) -> None:
        """Discard every file that is open, after an error."""
        for file in (*self._open.values(), *(file for file, _ in self._parts.values())):
            file.discard(exc)


def part_path(batch: int, name: str) -> str:
    """Return the path of a batch's part; it is removed when the parts are joined."""
    return f"parts/{batch:05d}/{name}"
