"""Harmonics-to-noise ratio by cross-correlation: Praat's ``Sound: To Harmonicity (cc)``.

Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio
of a sampled sound" (1993); the details are those of ``Sound_to_Pitch.cpp``.
"""

import numpy as np

from chalicelib.core.voice.framing import TimedFramer
from chalicelib.core.voice.windows import sinc_weights

SILENCE_THRESHOLD = 0.1
FRAMES_AT_ONCE = 64
N_PEAKS = 3
SINC_DEPTH = 30


class HarmonicityAnalyser:
    """Periodicity and peak of each frame of a signal.

    Parameters
    ----------
    sr : int > 0
        sampling rate in hertz
    step_s : float > 0
        seconds between frames
    lowest_hz : float > 0
        lowest pitch; a window is one of its periods
    first_s : float
        time of the first frame
    """

    def __init__(self, *, sr: int, step_s: float, lowest_hz: float, first_s: float = 0.0) -> None:
        self._n_period = int(sr / lowest_hz)
        self._n_window = 2 * (self._n_period // 2 - 1)
        self._n_fft = 1 << (3 * self._n_window + SINC_DEPTH - 1).bit_length()
        half = self._n_period + SINC_DEPTH + 2
        self._framer = TimedFramer(half, sr=sr, step_s=step_s, first_s=first_s)
        self._middle = half
        self._start = half - round(sr / lowest_hz)
        self._sum = 0.0
        self._n = 0
        self._low, self._high = np.inf, -np.inf

    @property
    def global_peak(self) -> float:
        """The largest distance of a sample from the mean of all."""
        mean = self._sum / max(1, self._n)
        return max(self._high - mean, mean - self._low, 0.0)

    def push(self, y: np.ndarray) -> np.ndarray:
        """Take the next samples, of shape (n,), and return the rows that they complete.

        Returns
        -------
        rows : np.ndarray [shape=(n_frames, 2)]
            the correlation of the best period, 0 where there is none; and the peak of the frame
        """
        self._sum += y.sum(dtype=np.float64)
        self._n += len(y)
        if len(y):
            self._low, self._high = min(self._low, y.min()), max(self._high, y.max())
        return self._rows(self._framer.push(y.astype(np.float64)))

    def finish(self) -> np.ndarray:
        """Return the last rows."""
        return self._rows(self._framer.finish())

    def _rows(self, frames: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(frames), 2))
        for first in range(0, len(frames), FRAMES_AT_ONCE):
            piece = slice(first, first + FRAMES_AT_ONCE)
            rows[piece] = self._measure(frames[piece])
        return rows

    def _measure(self, frames: np.ndarray) -> np.ndarray:
        middle, n = self._middle, self._n_window
        near = frames[:, middle - self._n_period : middle + self._n_period]
        frames = frames - near.mean(axis=1, keepdims=True)
        peaks = np.abs(frames[:, middle - n // 2 : middle + n // 2]).max(axis=1)
        span = frames[:, self._start : self._start + 2 * n + SINC_DEPTH]
        n_lags = span.shape[1] - n
        window = span[:, :n]
        spectrum = np.conj(np.fft.rfft(window, self._n_fft)) * np.fft.rfft(span, self._n_fft)
        products = np.fft.irfft(spectrum, self._n_fft)[:, :n_lags]
        squares = np.cumsum(np.pad(span**2, ((0, 0), (1, 0))), axis=1)
        energies = squares[:, n : n + n_lags] - squares[:, :n_lags]
        norms = np.sqrt(np.maximum(energies * energies[:, :1], 0))
        # Rounding errors of the transform must not count as a correlation.
        heard = norms > 1e-12 * np.maximum(squares[:, -1:], 1e-300)
        r = np.divide(products, norms, out=np.zeros_like(products), where=heard)
        return np.column_stack([best_peak(r, n), peaks])


def best_peak(r: np.ndarray, n_lags: int) -> np.ndarray:
    """Return the height of the highest maximum between samples, 0 where there is none.

    Parameters
    ----------
    r : np.ndarray [shape=(n, more than n_lags)]
        correlations at lags from 0, symmetric around it
    n_lags : int > 0
        maxima are looked for at the lags below
    """
    inner = r[:, 2 : n_lags - 1]
    is_peak = (inner > 0) & (inner > r[:, 1 : n_lags - 2]) & (inner >= r[:, 3:n_lags])
    heights = np.where(is_peak, inner, 0)
    order = np.argpartition(-heights, min(N_PEAKS, heights.shape[1] - 1), axis=1)[:, :N_PEAKS]
    frames = np.arange(len(r))[:, np.newaxis]
    lags = order + 2
    before, at, after = (r[frames, lags + i] for i in (-1, 0, 1))
    curvature = 2 * at - before - after
    shift = np.divide(0.5 * (after - before), curvature, out=np.zeros_like(at), where=curvature > 0)
    mirrored = np.concatenate([r[:, SINC_DEPTH:0:-1], r], axis=1)
    found = np.zeros_like(at)
    # A parabola through the neighbours misses the maximum by some hundredths of a sample.
    for nudge in (-0.06, -0.03, 0.0, 0.03, 0.06):
        positions = lags + np.clip(shift + nudge, -0.99, 0.99)
        found = np.maximum(found, _interpolated(mirrored, positions + SINC_DEPTH))
    found = np.where(np.take_along_axis(is_peak, order, axis=1), found, 0)
    found = np.where(found > 1, 1 / np.maximum(found, 1), found)
    return np.asarray(found.max(axis=1))


def _interpolated(rows: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return values at positions between samples, by a sinc under Praat's raised cosine."""
    left = np.floor(positions).astype(np.int64)
    taps = np.arange(1 - SINC_DEPTH, SINC_DEPTH + 1)
    weights = sinc_weights(positions - left, SINC_DEPTH)
    places = np.clip(left[..., np.newaxis] + taps, 0, rows.shape[1] - 1)
    return np.asarray((rows[np.arange(len(rows))[:, None, None], places] * weights).sum(axis=-1))


def hnr_db(rows: np.ndarray, global_peak: float) -> np.ndarray:
    """Return the ratio in dB of rows of `HarmonicityAnalyser`, NaN where Praat finds no voice."""
    r, peaks = rows.T
    r = np.minimum(r, 1 - 1e-15)
    intensity = np.minimum(1, peaks / global_peak) if global_peak > 0 else np.zeros_like(peaks)
    voiced = r > np.maximum(0, 2 - intensity / SILENCE_THRESHOLD)
    safe = np.where(voiced, r, 0.5)
    return np.where(voiced, 10 * np.log10(safe / (1 - safe)), np.nan)
