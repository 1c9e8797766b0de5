"""Sets rows of numbers aside until the whole recording has been seen."""

import errno
import io
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Self, cast

import numpy as np

from chalicelib.errors import MediaError

MEMORY_BYTES = 4 << 20
# So few that OpenBLAS does not share a product with them out among threads, which costs more.
ROWS_AT_ONCE = 256


class Parking:
    """Rows of one width, kept in memory up to 4 MiB and in a temporary file beyond.

    Parameters
    ----------
    n_columns : int > 0
        numbers in a row
    dtype : numpy.typing.DTypeLike
        type of the numbers
    """

    def __init__(self, n_columns: int, *, dtype: np.typing.DTypeLike = np.float32) -> None:
        self._n_columns = n_columns
        self._dtype = np.dtype(dtype)
        self._file: BinaryIO = io.BytesIO()
        self.n_rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, rows: np.ndarray) -> None:
        """Park rows of shape (n, n_columns); a MediaError where the disk has no room for them."""
        try:
            self._file.write(np.ascontiguousarray(rows, dtype=self._dtype).data)
            if isinstance(self._file, io.BytesIO) and self._file.tell() > MEMORY_BYTES:
                self._file = _on_disk(self._file)
        except OSError as exc:
            if exc.errno != errno.ENOSPC:
                raise
            raise MediaError(
                f"The recording is too long for the temporary disk, which is full after "
                f"{self.n_rows} frames: measure the mix of its channels, or use a longer "
                "hop_length or fewer n_mels"
            ) from exc
        self.n_rows += len(rows)

    def rows(self) -> Iterator[np.ndarray]:
        """Yield all rows in order, at most 256 at once; can be repeated."""
        self._file.seek(0)
        row_bytes = self._n_columns * self._dtype.itemsize
        while piece := self._file.read(ROWS_AT_ONCE * row_bytes):
            yield np.frombuffer(piece, dtype=self._dtype).reshape(-1, self._n_columns)


def _on_disk(memory: io.BytesIO) -> BinaryIO:
    import tempfile  # noqa: PLC0415 - a fortieth of the time to the first MFCC, seldom needed

    file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - its owner closes it
    file.write(memory.getbuffer())
    return file
