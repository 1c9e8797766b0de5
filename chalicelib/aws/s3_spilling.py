"""A file in memory that moves elsewhere when it becomes large."""

import io
from collections.abc import Callable
from typing import Any, BinaryIO


class SpillingWriter(io.RawIOBase):
    """A file that is in memory up to a size; when it becomes larger, it moves to another file.

    ``open_larger`` opens the other file, when it is needed.
    """

    def __init__(self, most: int, open_larger: Callable[[], BinaryIO]) -> None:
        self._most = most
        self._open_larger = open_larger
        self._small: io.BytesIO | None = io.BytesIO()
        self._large: BinaryIO | None = None
        self._n_bytes = 0

    @property
    def held(self) -> bytes | None:
        """All that was written, or None if it is in the other file."""
        return self._small.getvalue() if self._small else None

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the number of bytes that were written."""
        return self._n_bytes

    def write(self, data: Any, /) -> int:
        """Write bytes at the end."""
        n_bytes = len(memoryview(data).cast("B"))
        self._n_bytes += n_bytes
        if self._small and self._n_bytes > self._most:
            self._large = self._open_larger()
            self._large.write(self._small.getvalue())
            self._small = None
        if self._small:
            self._small.write(data)
        elif self._large:
            self._large.write(data)
        return n_bytes
