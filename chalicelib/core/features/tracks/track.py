"""The interface of tracks, and a base class for tables with a row for each frame."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from chalicelib.core.dsp.parameters import FeatureParameters
from chalicelib.core.dsp.spill import SpilledRows
from chalicelib.core.features.tables import Array, csv_columns

if TYPE_CHECKING:
    from chalicelib.core.features.display import Display
    from chalicelib.core.options import Options

TIME_DECIMALS = 6
TIMES_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file to write: its header, and its lines."""

    columns: tuple[str, ...]
    lines: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Source:
    """The signal that a track is made for, and the rates at which it is available.

    Attributes
    ----------
    sr : int
        sampling rate of the recipe in hertz
    native_sr : int
        the recording's own sampling rate in hertz
    n_channels : int
        channels of the signal, for tracks that take each of them
    """

    sr: int
    native_sr: int
    n_channels: int = 1


class Track(Protocol):
    """A track: it computes one table of one signal. The defaults here are those of most tracks.

    Attributes
    ----------
    options : type of Options or None
        the options that the table has beside the recipe
    word_columns : tuple of str
        the columns whose median and deviation are taken for each word
    words_voiced : bool
        whether these are taken from voiced frames only
    apart : bool
        whether it takes all channels of the signal, at the recording's own rate
    sr : int
        sampling rate of the samples that it takes, in hertz
    numbers_per_s : float
        numbers that the table has for a second of the signal
    """

    options: ClassVar["type[Options] | None"] = None
    word_columns: ClassVar[tuple[str, ...]] = ()
    words_voiced: ClassVar[bool] = False
    apart: ClassVar[bool] = False
    sr: int
    numbers_per_s: float

    def __init__(self, parameters: FeatureParameters, source: Source, stack: ExitStack) -> None:
        """Make a track whose temporary files the stack closes; may raise ParameterError."""

    @property
    def n_frames(self) -> int:
        """Number of frames, after the end of the signal."""

    def push(self, y: np.ndarray) -> None:
        """Take the next float32 samples, of shape (n,), or (n_channels, n) if apart."""

    def finish(self) -> None:
        """Take the end of the signal; no samples may be pushed after it."""

    def table(self, display: "Display | None" = None) -> Table:
        """Return the table, after the end of the signal; a display takes rows from it."""

    def arrays(self) -> list[Array]:
        """Return the table's numbers as arrays, with librosa's names and shapes."""

    def values(self) -> Mapping[str, float | None]:
        """Return the values of the signal as a whole, by name; most tables have none."""
        return {}


class Analyser(Protocol):
    """An object that turns samples into rows of a table."""

    def push(self, y: np.ndarray) -> np.ndarray:
        """Take the next samples, and return the rows that they complete, (n, n_columns)."""

    def finish(self) -> np.ndarray:
        """Return the last rows."""


class TableTrack(Track):
    """A table of float32 numbers with a time in front; a subclass fills it.

    Parameters
    ----------
    table : str
        the table's name, which begins the names of its arrays
    columns : tuple of str
        the columns of the rows; the time of each frame comes before them
    sr : int > 0
        sampling rate of the samples in hertz
    frame_s : float > 0
        seconds from one frame's centre to the next
    first_s : float
        centre of the first frame in seconds
    is_matrix : bool
        whether all columns are one array, of shape (n_columns, n_frames), instead of one each
    has_times : bool
        whether the frames differ from the recipe's, so that there is an array of their times
    """

    def __init__(
        self,
        table: str,
        columns: tuple[str, ...],
        *,
        sr: int,
        frame_s: float,
        first_s: float = 0.0,
        is_matrix: bool = False,
        has_times: bool = False,
    ) -> None:
        self.sr = sr
        self.numbers_per_s = (1 + len(columns)) / frame_s
        self._columns = columns
        self._frame_s = frame_s
        self._first_s = first_s
        self._table = table
        self._is_matrix = is_matrix
        self._has_times = has_times

    @property
    def n_frames(self) -> int:
        """Number of frames, after the end of the signal."""
        raise NotImplementedError

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the rows of the table, after the end of the signal."""
        raise NotImplementedError

    def table(self, display: "Display | None" = None) -> Table:  # noqa: ARG002  # most are not drawn
        """Return a table with the time of each frame; a number that is not known is empty."""
        timed_rows = timed(self.rows(), self._frame_s, self._first_s)
        lines = (csv_columns(times, *rows.T) for times, rows in timed_rows)
        return Table(("time_s", *self._columns), lines)

    def arrays(self) -> list[Array]:
        """Return one array, or one for each column; also the times if the table has its own."""
        n = self.n_frames
        if self._is_matrix:
            found = [Array(self._table, self.rows(), "<f4", n, n_rows=len(self._columns))]
        else:
            found = [
                Array(f"{self._table}_{name}", columns_of(self.rows(), i), "<f4", n)
                for i, name in enumerate(self._columns)
            ]
        if self._has_times:
            times = frame_times(n, self._frame_s, self._first_s)
            found.insert(0, Array(f"{self._table}_times", times, "<f8", n))
        return found


class FrameTrack(TableTrack):
    """A table whose rows an analyser gives one after the other, kept on disk until the end.

    Parameters
    ----------
    analyser : Analyser
        turns samples into rows
    table : str
        the table's name
    columns : tuple of str
        the columns of the rows
    stack : ExitStack
        closes the temporary file
    n_kept : int or None
        numbers in a row of the analyser, if a subclass makes the columns from these at the end
    **layout : Any
        as of `TableTrack`
    """

    def __init__(
        self,
        analyser: Analyser,
        table: str,
        columns: tuple[str, ...],
        *,
        stack: ExitStack,
        n_kept: int | None = None,
        **layout: Any,
    ) -> None:
        super().__init__(table, columns, **layout)
        self._analyser = analyser
        self._spilled = stack.enter_context(SpilledRows(n_kept or len(columns)))

    @property
    def n_frames(self) -> int:
        """Number of frames, after the end of the signal."""
        return self._spilled.n_rows

    def push(self, y: np.ndarray) -> None:
        """Take the next samples."""
        self._spilled.append(self._analyser.push(y))

    def finish(self) -> None:
        """Take the end of the signal."""
        self._spilled.append(self._analyser.finish())

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the rows of the table, after the end of the signal."""
        return self._spilled.rows()


def frame_times(n_frames: int, frame_s: float, first_s: float = 0.0) -> Iterator[np.ndarray]:
    """Yield the centres of the frames in seconds, to the microsecond, 65,536 at once."""
    for first in range(0, n_frames, TIMES_AT_ONCE):
        yield _times(first, min(TIMES_AT_ONCE, n_frames - first), frame_s, first_s)


def timed(
    blocks: Iterator[np.ndarray], frame_s: float, first_s: float = 0.0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield blocks of rows that are not empty, each after the times of its frames."""
    n_before = 0
    for block in blocks:
        if len(block):
            yield _times(n_before, len(block), frame_s, first_s), block
        n_before += len(block)


def columns_of(blocks: Iterator[np.ndarray], wanted: int | slice) -> Iterator[np.ndarray]:
    """Yield one or some columns of blocks of rows."""
    return (block[:, wanted] for block in blocks)


def _times(first: int, n: int, frame_s: float, first_s: float) -> np.ndarray:
    return np.round(first_s + np.arange(first, first + n) * frame_s, TIME_DECIMALS)
