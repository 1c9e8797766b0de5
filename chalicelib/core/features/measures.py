"""Medians and deviations of further tables, such as formants, over parts of a recording."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import BinaryIO, Self

import numpy as np

from chalicelib.core.dsp.spill import SpilledRows
from chalicelib.core.features.frames import Frames, read_columns
from chalicelib.core.features.subjects import Span, Tally, measure_subjects
from chalicelib.core.registry import track_class

ROWS_IN_MEMORY = 8192
DEVIATION = "std"


@dataclass(frozen=True, slots=True)
class ColumnFrames:
    """Successive frames of a table: times in seconds, (n,), and columns, (n, n_columns)."""

    times: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.times)

    def copy(self) -> Self:
        """Return a copy that does not keep the frames' block in memory."""
        return replace(self, times=self.times.copy(), values=self.values.copy())

    def part(self, start: int, end: int) -> Self:
        """Return the frames from ``start`` up to ``end``, as views."""
        return replace(self, times=self.times[start:end], values=self.values[start:end])


class Voicing:
    """Voicing of a recording's frames, one byte for each, which can be looked up by time."""

    def __init__(self, frame_s: float) -> None:
        self._frame_s = frame_s
        self._flags: list[np.ndarray] = []

    def remembering(self, blocks: Iterable[Frames]) -> Iterator[Frames]:
        """Pass on blocks of frames, and remember their flags."""
        for frames in blocks:
            self._flags.append(frames.voiced_flag.astype(np.bool_))
            yield frames

    def at(self, times: np.ndarray) -> np.ndarray:
        """Return whether the frame nearest to each time is voiced."""
        self._flags = [np.concatenate([np.zeros(0, np.bool_), *self._flags])]
        (flags,) = self._flags
        if not len(flags):
            return np.zeros(len(times), np.bool_)
        nearest = np.rint(times / self._frame_s).astype(np.int64)
        return np.asarray(flags[np.clip(nearest, 0, len(flags) - 1)])


def measured_names(table: str) -> tuple[str, ...]:
    """Return the names of a table's columns in the tables of words, medians first."""
    columns = track_class(table).word_columns
    return tuple(f"{table}_{column}_{part}" for part in ("median", DEVIATION) for column in columns)


def measure_columns(
    table: str,
    stream: BinaryIO,
    subjects: Sequence[Sequence[Span]],
    voicing: Voicing,
) -> list[dict[str, float | None]]:
    """Measure subjects by the columns of a table that are measured for words.

    Memory holds one column of one subject, and the rows of the subjects that have not ended, 4
    bytes for each number. Beyond 4 MiB of a subject, its rows are on disk.

    Parameters
    ----------
    table : str
        the table's name
    stream : BinaryIO
        its CSV, decompressed
    subjects : sequence of sequences of (start, end)
        in seconds
    voicing : Voicing
        of all frames of pitch; for some tables only voiced frames count

    Returns
    -------
    measures : list of dict
        for each subject the median and the deviation of each column, by `measured_names`; None
        where nothing is known
    """
    names = measured_names(table)
    kind = track_class(table)
    with ExitStack() as stack:
        blocks = _frames(stream, kind.word_columns, voicing if kind.words_voiced else None)
        found = measure_subjects(subjects, blocks, _tallies(len(kind.word_columns), stack))
    return [
        {
            name: None if np.isnan(number) else float(number)
            for name, number in zip(names, numbers.ravel(), strict=True)
        }
        for numbers in found
    ]


def whole_values(values: Mapping[str, Mapping[str, float | None]]) -> dict[str, float | None]:
    """Return the values of a recording as a whole, with the table's name before each."""
    return {
        f"{table}_{name}": value
        for table, found in values.items()
        if "." not in table  # of a channel
        for name, value in found.items()
    }


def _frames(
    stream: BinaryIO, columns: Sequence[str], voicing: Voicing | None
) -> Iterator[ColumnFrames]:
    for block in read_columns(stream, "time_s", *columns):
        times, values = block[0], block[1:].T.astype(np.float32)
        if voicing is not None:
            values[~voicing.at(times)] = np.nan
        yield ColumnFrames(times, values)


class _ColumnTally(Tally[ColumnFrames, np.ndarray]):
    """The rows of one subject, because a median needs all of them."""

    __slots__ = ("_kept", "_n_columns", "_rows", "_stack")

    def __init__(self, subject: int, n_spans: int, n_columns: int, stack: ExitStack) -> None:
        super().__init__(subject, n_spans)
        self._rows: list[np.ndarray] = []
        self._kept: SpilledRows | None = None
        self._n_columns = n_columns
        self._stack = stack

    def add(self, frames: ColumnFrames) -> None:
        self._n_frames += len(frames)
        if self._n_frames > ROWS_IN_MEMORY:
            if self._kept is None:
                self._kept = self._stack.enter_context(SpilledRows(self._n_columns))
                for rows in self._rows:
                    self._kept.append(rows)
                self._rows = []
            self._kept.append(frames.values)
        else:
            self._rows.append(frames.values.copy())

    def result(self) -> np.ndarray:
        """Return medians and deviations, of shape (2, n_columns), NaN where nothing is known."""
        found = np.full((2, self._n_columns), np.nan)
        for i in range(self._n_columns):
            blocks = self._kept.rows() if self._kept else iter(self._rows)
            column = np.concatenate([np.empty(0, np.float32), *(rows[:, i] for rows in blocks)])
            known = column[~np.isnan(column)].astype(np.float64)
            if len(known):
                found[:, i] = np.median(known), known.std()
        if self._kept:
            self._kept.close()
        self._rows = []
        return found


def _tallies(n_columns: int, stack: ExitStack) -> Callable[[int, int], _ColumnTally]:
    return lambda subject, n_spans: _ColumnTally(subject, n_spans, n_columns, stack)
