"""The mel spectrogram at display resolution: 280 kB for an hour, and at most 530 kB.

It is a file of its own, so that a page can draw everything else before this file has come.
"""

from typing import Any

import numpy as np

from chalicelib.core.features.columns import FrameColumns, mean, to_text

NAME = "spectrogram.json"
VERSION = 1
MAX_COLUMNS = 8_192
MAX_BANDS = 48
RANGE_DB = 80.0
"""Decibels from the lightest to the darkest value; the coefficients are computed in this range."""


class Spectrogram:
    """The log-mel spectrum of one signal in columns, its neighbouring bands put together.

    Parameters
    ----------
    n_frames : int > 0
        number of frames
    n_mels : int > 0
        number of bands of the log-mel spectrum
    frame_s : float > 0
        seconds from one frame to the next
    """

    def __init__(self, n_frames: int, n_mels: int, *, frame_s: float) -> None:
        group = -(-n_mels // MAX_BANDS)
        self._starts = np.arange(0, n_mels, group)
        self._sizes = np.diff(np.append(self._starts, n_mels))
        self._columns = FrameColumns(n_frames, MAX_COLUMNS, mean)
        self._frame_s = frame_s

    def push(self, log_mel: np.ndarray) -> None:
        """Take the next frames in decibels, of shape (n, n_mels), for any n."""
        self._columns.push(np.add.reduceat(log_mel, self._starts, axis=1) / self._sizes)

    def to_dict(self) -> dict[str, Any]:
        """Return the spectrogram as JSON values.

        Returns
        -------
        spectrogram : dict
            ``column_s``; ``n`` bands, the lowest first; ``high_db``, the loudest value, and
            ``low_db``, 80 dB below it; and ``values`` as base64 of uint8 between the two, column by
            column
        """
        means = self._columns.columns()
        high_db = float(means.max())
        shares = np.clip((means - high_db) / RANGE_DB + 1, 0, 1)
        return {
            "version": VERSION,
            "column_s": self._columns.span * self._frame_s,
            "n": means.shape[1],
            "low_db": high_db - RANGE_DB,
            "high_db": high_db,
            "values": to_text(np.rint(shares * np.iinfo(np.uint8).max).astype(np.uint8)),
        }
