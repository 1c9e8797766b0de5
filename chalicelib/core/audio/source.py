"""A reader for files in S3: few, large, mostly sequential pieces."""

from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from typing_extensions import Buffer

READ_BYTES = 1 << 20
SEEK_SET, SEEK_CUR, SEEK_END = 0, 1, 2


class BufferedSource:
    """A seekable view of ``source`` that decoders may read in small pieces.

    One piece of 1 MiB is in memory, and ``n_fetches`` counts the pieces that were read. On S3 a
    seek is a new request, so it is done only before the next read. The length is read once.

    Parameters
    ----------
    source : BinaryIO
        any seekable binary file object
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.size = source.seek(0, SEEK_END)
        self.n_fetches = 0
        self._source_position = self.size
        self._position = 0
        self._piece = b""
        self._piece_start = 0
        self._failure: BaseException | None = None

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Move without a request to the source; a position before the start is the start."""
        origin = {SEEK_SET: 0, SEEK_CUR: self._position, SEEK_END: self.size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def tell(self) -> int:
        """Return the position in bytes from the start."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read ``size`` bytes, or fewer at the end or after a failure."""
        if size < 0:
            size = max(0, self.size - self._position)
        parts = []
        while size > 0 and (part := self._read_part(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def readinto(self, buffer: "Buffer") -> int:
        """Fill ``buffer``, or less at the end or after a failure; return the number of bytes."""
        wanted = memoryview(buffer).cast("B")
        n_read = 0
        while n_read < len(wanted) and (part := self._read_part(len(wanted) - n_read)):
            wanted[n_read : n_read + len(part)] = part
            n_read += len(part)
        return n_read

    def raise_failure(self) -> None:
        """Raise the error that the source raised while a decoder was reading."""
        if self._failure is not None:
            raise self._failure

    def _read_part(self, size: int) -> memoryview:
        start = self._position - self._piece_start
        if not 0 <= start < len(self._piece):
            self._piece = self._fetch(max(size, READ_BYTES))
            self._piece_start = self._position
            start = 0
        part = memoryview(self._piece)[start : start + size]
        self._position += len(part)
        return part

    def _fetch(self, size: int) -> bytes:
        if self._failure is not None or self._position >= self.size:
            return b""
        self.n_fetches += 1
        try:
            if self._source_position != self._position:
                self._source.seek(self._position)
            piece = self._source.read(size)
        except BaseException as exc:  # noqa: BLE001  # an exception cannot cross the decoder's C frames
            self._failure = exc
            return b""
        self._source_position = self._position + len(piece)
        return piece
