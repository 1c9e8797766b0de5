"""Limits on the size of a recording's tables, and on the time to write them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.errors import MediaError

if TYPE_CHECKING:
    from typing_extensions import Buffer

OpenTable = Callable[[str], AbstractContextManager[BinaryIO]]

N_OTHER_COLUMNS = 6  # of energy and pitch, with their times
MOST_NUMBERS = 500_000_000
"""Most numbers in the tables of a recording; ten minutes are enough to write them.

Four hours with the default recipe have 12 million. With compression, a number takes a microsecond.
"""


def check_n_numbers(parameters: FeatureParameters, n_samples: float, *, n_signals: int) -> None:
    """Raise MediaError if the tables of a recording would have too many numbers."""
    n_columns = parameters.n_mfcc * (1 + parameters.deltas) if "mfcc" in parameters.tables else 0
    n_columns += N_OTHER_COLUMNS
    n_frames = n_samples / parameters.hop_length
    n_numbers = n_frames * n_columns * n_signals * (2 if parameters.npz else 1)
    if n_numbers > MOST_NUMBERS:
        raise MediaError(
            f"The tables are too large: {n_frames:,.0f} frames would hold {n_numbers / 1e6:,.0f} "
            f"million numbers, and at most {MOST_NUMBERS // 1_000_000} million are written: use a "
            "longer hop_length, a lower sr, a smaller n_mfcc, or no deltas"
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
                "a smaller n_mfcc, or no deltas"
            )
        return self._stream.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
