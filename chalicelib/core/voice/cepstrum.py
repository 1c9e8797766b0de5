"""Cepstral peak prominence, frame by frame, as in Praat's ``PowerCepstrum``.

Hillenbrand and others, "Acoustic correlates of breathy vocal quality" (1994): the height of the
cepstral peak over a straight line through the cepstrum.
"""

import numpy as np

from chalicelib.core.voice.framing import TimedFramer
from chalicelib.core.voice.preemphasis import Preemphasis
from chalicelib.core.voice.windows import gaussian

SR_HZ = 10_000
PREEMPHASIS_HZ = 50.0
FRAMES_AT_ONCE = 64
FIT_FROM_S = 0.001
LOWEST_PITCH_HZ, HIGHEST_PITCH_HZ = 60.0, 330.0
TINY = 1e-300


class CepstralAnalyser:
    """Prominence of the cepstral peak of each frame of a signal at 10 kHz.

    Parameters
    ----------
    step_s : float > 0
        seconds between frames
    first_s : float
        time of the first frame
    """

    def __init__(self, *, step_s: float, first_s: float = 0.0) -> None:
        n = round(6 / LOWEST_PITCH_HZ * SR_HZ)
        self._framer = TimedFramer(n // 2, sr=SR_HZ, step_s=step_s, first_s=first_s)
        self._window = gaussian(n)
        self._n_fft = 1 << (n - 1).bit_length()
        self._preemphasis = Preemphasis(PREEMPHASIS_HZ, sr=SR_HZ)
        quefrencies = np.arange(self._n_fft // 2 + 1) / SR_HZ
        self._fit = quefrencies >= FIT_FROM_S
        design = np.vander(quefrencies[self._fit], 2)
        self._line = np.linalg.pinv(design)

    def push(self, y: np.ndarray) -> np.ndarray:
        """Take the next samples at 10 kHz, and return the prominences that they complete.

        Returns
        -------
        rows : np.ndarray [shape=(n_frames, 1)]
            in dB, NaN in digital silence
        """
        return self._rows(self._framer.push(self._preemphasis.push(y)))

    def finish(self) -> np.ndarray:
        """Return the last rows."""
        return self._rows(self._framer.finish())

    def _rows(self, frames: np.ndarray) -> np.ndarray:
        rows = np.full((len(frames), 1), np.nan)
        for first in range(0, len(frames), FRAMES_AT_ONCE):
            some = frames[first : first + FRAMES_AT_ONCE]
            (heard,) = np.nonzero(some.any(axis=1))
            if len(heard):
                rows[first + heard, 0] = self._prominences(some[heard])
        return rows

    def _prominences(self, frames: np.ndarray) -> np.ndarray:
        frames = (frames - frames.mean(axis=1, keepdims=True)) * self._window
        spectrum = np.fft.rfft(frames, self._n_fft)
        logs = np.log(spectrum.real**2 + spectrum.imag**2 + TINY)
        cepstrum = np.fft.irfft(logs, self._n_fft)[:, : self._n_fft // 2 + 1] * SR_HZ
        levels = 10 * np.log10(cepstrum**2 + TINY)
        slope, intercept = self._line @ levels[:, self._fit].T
        positions, heights = highest(levels, SR_HZ / HIGHEST_PITCH_HZ, SR_HZ / LOWEST_PITCH_HZ)
        return np.asarray(heights - (slope * positions / SR_HZ + intercept))


def highest(levels: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where each row is highest within a range, between its samples, and how high.

    Maxima are interpolated by a parabola; the edges of the range count too, by a straight line.
    """
    first, last = int(np.ceil(low)), int(np.floor(high))
    before, at, after = (levels[:, first + i : last + 1 + i] for i in (-1, 0, 1))
    is_peak = (at > before) & (at >= after)
    curvature = 2 * at - before - after
    rise = 0.5 * (after - before)
    shift = np.divide(rise, curvature, out=np.zeros_like(at), where=is_peak)
    edges = [
        levels[:, int(edge)] * (1 - edge % 1) + levels[:, int(edge) + 1] * (edge % 1)
        for edge in (low, high)
    ]
    heights = np.column_stack([np.where(is_peak, at + 0.5 * rise * shift, -np.inf), *edges])
    positions = np.column_stack(
        [np.arange(first, last + 1) + shift, np.tile([low, high], (len(levels), 1))]
    )
    best = heights.argmax(axis=1)
    rows = np.arange(len(levels))
    return positions[rows, best], heights[rows, best]
