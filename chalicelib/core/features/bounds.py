"""Limits on the size of a recording's tables, and on the time to write them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from chalicelib.errors import MediaError

if TYPE_CHECKING:
    from typing_extensions import Buffer

OpenTable = Callable[[str], AbstractContextManager[BinaryIO]]

MOST_NUMBERS = 500_000_000
"""Most numbers in the tables of a recording; ten minutes are enough to write them.

Four hours with the default recipe have 12 million. With compression, a number takes a microsecond.
"""


def check_n_numbers(numbers_per_s: float, duration_s: float, *, hop_length_s: float) -> None:
    """Raise MediaError if the tables of a recording would have too many numbers."""
    n_numbers = numbers_per_s * duration_s
    if n_numbers > MOST_NUMBERS:
        raise MediaError(
            f"The tables are too large: {duration_s / hop_length_s:,.0f} frames would hold "
            f"{n_numbers / 1e6:,.0f} million numbers, and at most {MOST_NUMBERS // 1_000_000} "
            "million are written: use a longer hop_length, a lower sr, a smaller n_mfcc, "
            "no deltas, or fewer tables"
        )


def timed(open_table: OpenTable, is_late: Callable[[], bool] | None) -> OpenTable:
    """Return a function that opens tables whose writing fails when the time is over."""
    if is_late is None:
        return open_table

    @contextmanager
    def opened(name: str) -> Iterator[BinaryIO]:
        with open_table(name) as stream:
            yield cast("BinaryIO", _TimedStream(stream, is_late))

    return opened


class _TimedStream:
    """A stream that raises MediaError instead of writing when the time is over."""

    def __init__(self, stream: BinaryIO, is_late: Callable[[], bool]) -> None:
        self._stream = stream
        self._is_late = is_late

    def write(self, data: "Buffer") -> int:
        if self._is_late():
            raise MediaError(
                "The tables take too long to write: use a longer hop_length, a lower sr, "
                "a smaller n_mfcc, no deltas, or fewer tables"
            )
        return self._stream.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
