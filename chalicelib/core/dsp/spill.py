"""Data stored until the whole recording has been read: first in memory, then on disk."""

import errno
import io
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from chalicelib.errors import MediaError

if TYPE_CHECKING:
    from typing_extensions import Buffer

MEMORY_BYTES = 4 << 20
# Few enough that OpenBLAS does not divide a product among threads, which would take longer.
ROWS_AT_ONCE = 256


class Spill:
    """Bytes that are appended in order and read at any position.

    Parameters
    ----------
    memory_bytes : int
        most bytes in memory; if there are more, all are in a temporary file
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._file: BinaryIO = io.BytesIO()
        self._end = 0
        self.n_frames = 0

    def append(self, data: "Buffer", *, n_frames: int) -> int:
        """Append the data of some frames, and return their position.

        Raises
        ------
        MediaError
            if the temporary disk is full
        """
        start = self._end
        if not n_frames:
            return start
        self._end += memoryview(data).nbytes
        try:
            if isinstance(self._file, io.BytesIO) and self._end > self._memory_bytes:
                self._file = self._moved_to_disk(self._file)
            self._file.seek(start)
            _write_all(self._file, data)
        except OSError as exc:
            if exc.errno != errno.ENOSPC:
                raise
            raise MediaError(
                f"The recording is too long for the temporary disk, which is full after "
                f"{self.n_frames} frames: measure the mix of its channels, or use a longer "
                "hop_length or fewer n_mels"
            ) from exc
        self.n_frames += n_frames
        return start

    def read(self, start: int, n_bytes: int) -> bytes:
        """Return bytes from a position; fewer only at the end."""
        self._file.seek(start)
        return self._file.read(n_bytes)

    def close(self) -> None:
        """Give memory and disk back."""
        self._file.close()

    def _moved_to_disk(self, memory: io.BytesIO) -> BinaryIO:
        import tempfile  # noqa: PLC0415  # a fortieth of the time to the first MFCC, rarely needed

        # Unbuffered, so that a full disk fails at the write and not when the file is closed.
        file = cast("BinaryIO", tempfile.TemporaryFile(buffering=0))  # noqa: SIM115  # closed by close()
        # Close the file even if the owner ends with an exception.
        weakref.finalize(self, file.close)
        _write_all(file, memory.getvalue())
        return file


def _write_all(file: BinaryIO, data: "Buffer") -> None:
    left = memoryview(data).cast("B")
    while left:
        left = left[file.write(left) :]


class SpilledRows(AbstractContextManager["SpilledRows"]):
    """Rows of numbers, all with the same number of columns.

    Parameters
    ----------
    n_columns : int > 0
        numbers in a row
    dtype : numpy.typing.DTypeLike
        type of the numbers

    Examples
    --------
    >>> with SpilledRows(2) as kept:
    ...     kept.append(np.array([[1, 2]]))
    ...     kept.append(np.array([[3, 4]]))
    ...     np.concatenate(list(kept.rows())).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """

    def __init__(self, n_columns: int, *, dtype: np.typing.DTypeLike = np.float32) -> None:
        self.n_columns = n_columns
        self._dtype = np.dtype(dtype)
        self._spill = Spill()

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give memory and disk back."""
        self._spill.close()

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self._spill.n_frames

    def append(self, rows: np.ndarray) -> None:
        """Add rows of shape (n, n_columns); a MediaError if the temporary disk is full."""
        data = np.ascontiguousarray(rows, dtype=self._dtype).data
        self._spill.append(data, n_frames=len(rows))

    def rows(self) -> Iterator[np.ndarray]:
        """Yield all rows in order, at most 256 at once; can be repeated."""
        row_bytes = self.n_columns * self._dtype.itemsize
        for first in range(0, self.n_rows, ROWS_AT_ONCE):
            piece = self._spill.read(first * row_bytes, ROWS_AT_ONCE * row_bytes)
            yield np.frombuffer(piece, dtype=self._dtype).reshape(-1, self.n_columns)
