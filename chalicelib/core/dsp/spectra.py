"""Magnitude spectra of frames that come in blocks, and rows of numbers made of them."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from chalicelib.core.dsp.framing import Framer
from chalicelib.errors import BeyondFullScaleError

# A transform takes as many bytes at once as fit into a core's cache.
PIECE_BYTES = 1 << 20
# Sums of the squares of larger magnitudes may be beyond single precision.
MOST_MAGNITUDE = 1e16

Measure = Callable[[np.ndarray], np.ndarray]


class Frames(Protocol):
    """Samples to frames: `Framer`, or another with its interface."""

    def push(self, x: np.ndarray) -> np.ndarray:
        """Add samples and return the frames that they complete."""

    def finish(self) -> np.ndarray:
        """Return the last frames."""


class FrameAnalyser:
    """Rows measured on the frames of a signal that arrives in blocks, some frames at once.

    Parameters
    ----------
    framer : Frames
        cuts the samples into frames
    measure : callable
        turns frames of shape (n, frame_length) into rows of shape (n, n_columns)
    n_columns : int > 0
        numbers in a row
    frame_length : int > 0
        doubles that a frame takes while it is measured; 1 MiB of them are taken at once
    """

    def __init__(
        self, framer: Frames, measure: Measure, *, n_columns: int, frame_length: int
    ) -> None:
        self._framer = framer
        self._measure = measure
        self._n_columns = n_columns
        self._n_at_once = max(1, PIECE_BYTES // (8 * frame_length))

    def push(self, y: np.ndarray) -> np.ndarray:
        """Take the next samples, and return the rows that they complete."""
        return self._rows(self._framer.push(y))

    def finish(self) -> np.ndarray:
        """Return the last rows."""
        return self._rows(self._framer.finish())

    def _rows(self, frames: np.ndarray) -> np.ndarray:
        rows = np.empty((len(frames), self._n_columns), np.float32)
        for first in range(0, len(frames), self._n_at_once):
            piece = slice(first, first + self._n_at_once)
            rows[piece] = self._measure(frames[piece])
        return rows


def spectral_analyser(
    framer: Frames, window: np.ndarray, measure: Measure, *, n_columns: int
) -> FrameAnalyser:
    """Return an analyser of magnitude spectra.

    Spectra are computed in double precision and rounded to single, as in ``librosa.stft``.

    Parameters
    ----------
    framer : Frames
        cuts the samples into frames
    window : np.ndarray [shape=(n_fft,)]
        the factors of a frame's samples
    measure : callable
        turns magnitudes of shape (n, 1 + n_fft // 2), float32, into rows of shape (n, n_columns)
    n_columns : int > 0
        numbers in a row
    """

    def measure_frames(frames: np.ndarray) -> np.ndarray:
        spectrum = np.abs(np.fft.rfft(frames * window))
        if spectrum.max() > MOST_MAGNITUDE:
            raise BeyondFullScaleError
        return measure(spectrum.astype(np.float32))

    return FrameAnalyser(framer, measure_frames, n_columns=n_columns, frame_length=len(window))


def hann(win_length: int, n_fft: int) -> np.ndarray:
    """Return a periodic Hann window, padded with zeros on both sides to ``n_fft``."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win_length) / win_length)
    if win_length == 1:
        window = np.ones(1)
    left = (n_fft - win_length) // 2
    return np.pad(window, (left, n_fft - win_length - left))


class ReflectedFramer:
    """Centred frames, the start padded by reflection as in PyTorch, the end with silence.

    Frame ``i`` is around sample ``i * hop_length``; the last ones are around samples beyond the
    end, up to half a frame. A signal shorter than half a frame is padded with silence first.

    Parameters
    ----------
    frame_length, hop_length : int > 0
        samples in a frame, even; samples between successive frames
    """

    def __init__(self, frame_length: int, hop_length: int) -> None:
        self._framer = Framer(frame_length, hop_length)
        self._half = frame_length // 2
        self._begin: np.ndarray | None = np.empty(0, np.float32)

    def push(self, x: np.ndarray) -> np.ndarray:
        """Add samples and return the frames that they complete."""
        if self._begin is None:
            return self._framer.push(x)
        self._begin = np.concatenate([self._begin, x])
        return self._start() if len(self._begin) > self._half else self._framer.push(x[:0])

    def finish(self) -> np.ndarray:
        """Return the last frames; no samples may be pushed after it."""
        missing = 0 if self._begin is None else self._half + 1 - len(self._begin)
        first = self.push(np.zeros(max(0, missing), np.float32))
        last = self._framer.push(np.zeros(2 * self._half, np.float32))
        return np.concatenate([first, last])

    def _start(self) -> np.ndarray:
        begin, self._begin = self._begin, None
        if begin is None:
            raise RuntimeError("the signal has begun already")
        self._framer.pad(begin[self._half : 0 : -1])
        return self._framer.push(begin)
