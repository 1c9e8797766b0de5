"""A recording at display resolution, for a page: a few hundred kB for any length.

It has the waveform, the level, the pitch contour and a heat map of the coefficients, each in
columns of equal width. A column of the waveform has the lowest and highest of its samples, a column
of the level the mean energy of its frames, a column of the contour the median of its voiced frames,
and a column of the heat map the means of its frames.
"""

from binascii import b2a_base64
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

NAME = "display.json"
VERSION = 1
FINEST_SAMPLES = 128
MAX_COLUMNS = 32_768
"""Most columns of the waveform and of the contour; in an hour one column is 0.19 s."""

MAX_MFCC_COLUMNS = 8_192
MAX_LEVEL_COLUMNS = 8_192
MAX_COEFFICIENTS = 20
FULL_SCALE = 127
STEPS_IN_A_HERTZ = 10
STEPS_IN_A_DECIBEL = 2


class Peaks:
    """The lowest and highest sample of each column, for samples in blocks.

    Columns start with 128 samples; when their number reaches the limit, each two become one.
    Memory holds the columns, 256 kB, and the block that is pushed.

    Parameters
    ----------
    max_columns : int > 0
        largest number of columns, even
    """

    def __init__(self, max_columns: int = MAX_COLUMNS) -> None:
        self.span = FINEST_SAMPLES
        self._low = np.empty(max_columns, dtype=np.float32)
        self._high = np.empty(max_columns, dtype=np.float32)
        self._n = 0
        self._n_begun = 0

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, of shape (n,), for any n."""
        while len(y):
            if self._n == len(self._low):
                self._halve()
            if self._n_begun or len(y) < self.span:
                n_taken = min(len(y), self.span - self._n_begun)
                self._add_to_column(y[:n_taken])
            else:
                n_columns = min(len(y) // self.span, len(self._low) - self._n)
                n_taken = n_columns * self.span
                starts = np.arange(0, n_taken, self.span)
                whole = slice(self._n, self._n + n_columns)
                np.minimum.reduceat(y[:n_taken], starts, out=self._low[whole])
                np.maximum.reduceat(y[:n_taken], starts, out=self._high[whole])
                self._n += n_columns
            y = y[n_taken:]

    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest of each column; the last column may have fewer samples.

        Returns
        -------
        low, high : np.ndarray [shape=(n_columns,)]
            float32, in the samples' own scale
        """
        n = self._n + (self._n_begun > 0)
        return self._low[:n], self._high[:n]

    def _add_to_column(self, y: np.ndarray) -> None:
        low, high = y.min(), y.max()
        if self._n_begun:
            low = min(low, self._low[self._n])
            high = max(high, self._high[self._n])
        self._low[self._n], self._high[self._n] = low, high
        self._n_begun += len(y)
        if self._n_begun == self.span:
            self._n += 1
            self._n_begun = 0

    def _halve(self) -> None:
        n = len(self._low) // 2
        self._low[:n] = self._low.reshape(n, 2).min(axis=1)
        self._high[:n] = self._high.reshape(n, 2).max(axis=1)
        self._n = n
        self.span *= 2


class FrameColumns:
    """Frames grouped into columns, each column reduced to one value or row.

    Parameters
    ----------
    n_frames : int > 0
        number of frames
    max_columns : int > 0
        largest number of columns; a column has the fewest frames, a power of two, that fit
    reduce : callable
        turns frames of shape (n_columns, span, …) into values of shape (n_columns, …)
    """

    def __init__(
        self, n_frames: int, max_columns: int, reduce: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        self.span = 1
        while -(-n_frames // self.span) > max_columns:
            self.span *= 2
        self._reduce = reduce
        self._begun: np.ndarray | None = None
        self._columns: list[np.ndarray] = []

    def push(self, frames: np.ndarray) -> None:
        """Take the next frames, of shape (n, …), for any n."""
        if self._begun is not None:
            frames = np.concatenate([self._begun, frames])
        n_columns = len(frames) // self.span
        whole = frames[: n_columns * self.span]
        if n_columns:
            self._columns.append(
                self._reduce(whole.reshape(n_columns, self.span, *whole.shape[1:]))
            )
        self._begun = frames[len(whole) :].copy() if len(whole) < len(frames) else None

    def columns(self) -> np.ndarray:
        """Return all columns; the last one may have fewer frames."""
        last = [] if self._begun is None else [self._reduce(self._begun[np.newaxis])]
        return np.concatenate([*self._columns, *last])


class Display:
    """The display of one signal, collected while its tables are computed.

    Parameters
    ----------
    sr : int > 0
        sampling rate of the samples in hertz
    hop_length : int > 0
        samples between successive frames
    """

    def __init__(self, *, sr: int, hop_length: int) -> None:
        self._sr = sr
        self._hop_length = hop_length
        self._peaks = Peaks()
        self._contour: FrameColumns | None = None
        self._heat_map: FrameColumns | None = None
        self._energies: FrameColumns | None = None

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, of shape (n,), for any n."""
        self._peaks.push(y)

    def watch_f0(self, blocks: Iterator[np.ndarray], n_frames: int) -> Iterator[np.ndarray]:
        """Pass on blocks of rows that begin with f0, and take f0 from them."""
        self._contour = FrameColumns(n_frames, MAX_COLUMNS, median_of_voiced)
        for rows in blocks:
            self._contour.push(rows[:, 0])
            yield rows

    def watch_mfcc(
        self, blocks: Iterator[np.ndarray], n_frames: int, n_mfcc: int
    ) -> Iterator[np.ndarray]:
        """Pass on blocks of rows that begin with the coefficients, and take the first 20."""
        self._heat_map = FrameColumns(n_frames, MAX_MFCC_COLUMNS, _mean)
        n_shown = min(n_mfcc, MAX_COEFFICIENTS)
        for rows in blocks:
            self._heat_map.push(rows[:, :n_shown])
            yield rows

    def watch_rms(self, blocks: Iterator[np.ndarray], n_frames: int) -> Iterator[np.ndarray]:
        """Pass on blocks of rows that begin with the RMS, and take the level from it."""
        self._energies = FrameColumns(n_frames, MAX_LEVEL_COLUMNS, _mean)
        for rows in blocks:
            self._energies.push(rows[:, 0].astype(np.float64) ** 2)
            yield rows

    def to_dict(self, *, duration_s: float) -> dict[str, Any]:
        """Return the display as JSON values: arrays are base64 of little-endian bytes.

        Returns
        -------
        display : dict
            ``peaks``: ``column_s``, and ``min`` and ``max`` as int8, 127 being full scale;
            ``pitch``: ``column_s``, and ``f0`` as uint16 in tenths of a hertz, 0 being unvoiced;
            ``mfcc``: ``column_s``, ``n`` coefficients, each one's ``low`` and ``high``, and
            ``values`` as uint8 between the two, column by column;
            ``level``: ``column_s``, and ``db`` as uint8 in halves of a decibel, 255 being 0 dB of
            full scale and 0 being -127.5 dB or less.
            ``pitch``, ``mfcc`` or ``level`` is None if there is no such table.
        """
        low, high = self._peaks.columns()
        return {
            "version": VERSION,
            "duration_s": duration_s,
            "peaks": {
                "column_s": self._peaks.span / self._sr,
                "min": _text(quantise(low)),
                "max": _text(quantise(high)),
            },
            "pitch": self._pitch(),
            "mfcc": self._mfcc(),
            "level": self._level(),
        }

    def _level(self) -> dict[str, Any] | None:
        if self._energies is None:
            return None
        db = 10 * np.log10(np.maximum(self._energies.columns(), np.finfo(np.float64).tiny))
        steps = np.clip(np.rint(db * STEPS_IN_A_DECIBEL + 255), 0, 255).astype(np.uint8)
        return {"column_s": self._column_s(self._energies), "db": _text(steps)}

    def _pitch(self) -> dict[str, Any] | None:
        if self._contour is None:
            return None
        steps = np.rint(np.nan_to_num(self._contour.columns()) * STEPS_IN_A_HERTZ)
        f0 = np.minimum(steps, np.iinfo(np.uint16).max).astype("<u2")
        return {"column_s": self._column_s(self._contour), "f0": _text(f0)}

    def _mfcc(self) -> dict[str, Any] | None:
        if self._heat_map is None:
            return None
        means = self._heat_map.columns()
        low, high = means.min(axis=0), means.max(axis=0)
        reach = np.where(high > low, high - low, 1)
        return {
            "column_s": self._column_s(self._heat_map),
            "n": means.shape[1],
            "low": low.tolist(),
            "high": high.tolist(),
            "values": _text(
                np.rint((means - low) / reach * np.iinfo(np.uint8).max).astype(np.uint8)
            ),
        }

    def _column_s(self, columns: FrameColumns) -> float:
        return columns.span * self._hop_length / self._sr


def median_of_voiced(f0: np.ndarray) -> np.ndarray:
    """Return the median of each column's voiced frames, the lower of two; NaN if none is voiced.

    Parameters
    ----------
    f0 : np.ndarray [shape=(n_columns, span)]
        fundamental frequency in hertz, NaN where a frame is unvoiced
    """
    ranked = np.sort(f0, axis=1)  # NaN is sorted to the end
    middle = np.maximum(np.sum(~np.isnan(f0), axis=1) - 1, 0) // 2
    return np.asarray(ranked[np.arange(len(ranked)), middle])


def quantise(y: np.ndarray) -> np.ndarray:
    """Return samples as int8, 127 being full scale; larger values are clipped."""
    steps: np.ndarray = np.clip(np.rint(y * FULL_SCALE), -FULL_SCALE, FULL_SCALE).astype(np.int8)
    return steps


def _mean(frames: np.ndarray) -> np.ndarray:
    return np.asarray(frames.mean(axis=1))


def _text(numbers: np.ndarray) -> str:
    return b2a_base64(np.ascontiguousarray(numbers).data, newline=False).decode()
