"""A recording at display resolution, for a page: a few hundred kB for any length.

It has the waveform, the level, the pitch contour and a heat map of the coefficients, each in
columns of equal width. A column of the waveform has the lowest and highest of its samples, a column
of the level the mean energy of its frames, a column of the contour the median of its voiced frames,
and a column of the heat map the means of its frames.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chalicelib.core.features.columns import MAX_COLUMNS, FrameColumns, Peaks, mean, to_text
from chalicelib.core.features.spectrogram import Spectrogram

NAME = "display.json"
VERSION = 1
MAX_MFCC_COLUMNS = 8_192
MAX_LEVEL_COLUMNS = 8_192
MAX_COEFFICIENTS = 20
FULL_SCALE = 127
STEPS_IN_A_HERTZ = 10
STEPS_IN_A_DECIBEL = 2


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
        self.spectrogram: Spectrogram | None = None

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
        self._heat_map = FrameColumns(n_frames, MAX_MFCC_COLUMNS, mean)
        n_shown = min(n_mfcc, MAX_COEFFICIENTS)
        for rows in blocks:
            self._heat_map.push(rows[:, :n_shown])
            yield rows

    def watch_mel(self, n_frames: int, n_mels: int) -> Callable[[np.ndarray], None]:
        """Return a function that takes blocks of the log-mel spectrum, for the spectrogram."""
        frame_s = self._hop_length / self._sr
        self.spectrogram = Spectrogram(n_frames, n_mels, frame_s=frame_s)
        return self.spectrogram.push

    def watch_rms(self, blocks: Iterator[np.ndarray], n_frames: int) -> Iterator[np.ndarray]:
        """Pass on blocks of rows that begin with the RMS, and take the level from it."""
        self._energies = FrameColumns(n_frames, MAX_LEVEL_COLUMNS, mean)
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
            ``pitch``, ``mfcc`` or ``level`` is None if there is no such table;
            ``spectrogram`` is whether there is a ``spectrogram.json``.
        """
        low, high = self._peaks.columns()
        return {
            "version": VERSION,
            "duration_s": duration_s,
            "peaks": {
                "column_s": self._peaks.span / self._sr,
                "min": to_text(quantise(low)),
                "max": to_text(quantise(high)),
            },
            "pitch": self._pitch(),
            "mfcc": self._mfcc(),
            "level": self._level(),
            "spectrogram": self.spectrogram is not None,
        }

    def _level(self) -> dict[str, Any] | None:
        if self._energies is None:
            return None
        db = 10 * np.log10(np.maximum(self._energies.columns(), np.finfo(np.float64).tiny))
        steps = np.clip(np.rint(db * STEPS_IN_A_DECIBEL + 255), 0, 255).astype(np.uint8)
        return {"column_s": self._column_s(self._energies), "db": to_text(steps)}

    def _pitch(self) -> dict[str, Any] | None:
        if self._contour is None:
            return None
        steps = np.rint(np.nan_to_num(self._contour.columns()) * STEPS_IN_A_HERTZ)
        f0 = np.minimum(steps, np.iinfo(np.uint16).max).astype("<u2")
        return {"column_s": self._column_s(self._contour), "f0": to_text(f0)}

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
            "values": to_text(
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
