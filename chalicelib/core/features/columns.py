"""Samples and frames grouped into columns of equal width, at the resolution of a screen."""

from binascii import b2a_base64
from collections.abc import Callable

import numpy as np

FINEST_SAMPLES = 128
MAX_COLUMNS = 32_768
"""Most columns of the waveform and of the contour; in an hour one column is 0.19 s."""


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


def mean(frames: np.ndarray) -> np.ndarray:
    """Return the mean of each column's frames, of shape (n_columns, span, …)."""
    return np.asarray(frames.mean(axis=1))


def to_text(numbers: np.ndarray) -> str:
    """Return the bytes of an array as base64."""
    return b2a_base64(np.ascontiguousarray(numbers).data, newline=False).decode()
