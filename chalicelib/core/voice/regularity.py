"""Jitter and shimmer around each moment of a signal that arrives in blocks."""

from collections.abc import Iterable

import numpy as np

from chalicelib.core.voice.periods import Stretch, StretchFinder
from chalicelib.core.voice.perturbation import N_SUMS, has_periods, measures, sums_within
from chalicelib.core.voice.pulses import Sound, amplitudes, find_pulses

MARGIN_S = 0.06  # a pulse may be this far outside of its stretch


class RegularityAnalyser:
    """Jitter and shimmer of the pulses in a window around each frame, and of all pulses.

    Memory holds the samples of a voiced stretch, at most ten seconds, and of the half second after
    which its end is decided.

    Parameters
    ----------
    sr : int > 0
        sampling rate in hertz
    step_s, window_s : float > 0
        seconds between frames; length of the window whose pulses count for a frame
    lowest_hz, highest_hz : float > 0
        range of pitch
    """

    def __init__(
        self, *, sr: int, step_s: float, window_s: float, lowest_hz: float, highest_hz: float
    ) -> None:
        self._sr = sr
        self._step_s, self._half_s = step_s, window_s / 2
        self._finder = StretchFinder(sr=sr, lowest_hz=lowest_hz, highest_hz=highest_hz)
        self._samples = np.empty(0)
        self._first = self._n_samples = self._n_frames = 0
        self._loudest = 0.0
        self._pulses, self._amplitudes = np.empty(0), np.empty(0)
        self._last_pulse_s = -np.inf
        self._sums = np.zeros((2, N_SUMS))

    def push(self, y: np.ndarray) -> np.ndarray:
        """Take the next samples, of shape (n,), and return the rows that they complete.

        Returns
        -------
        rows : np.ndarray [shape=(n_frames, 6)]
            shares, by `perturbation.NAMES`; NaN where there are too few periods
        """
        self._samples = np.concatenate([self._samples, y])
        self._n_samples += len(y)
        self._loudest = max(self._loudest, float(np.abs(y).max(initial=0)))
        self._measure(self._finder.push(y))
        rows = self._rows(self._finder.decided_s - MARGIN_S - self._half_s)
        kept_s = self._finder.decided_s - MARGIN_S
        n_past = min(max(0, int(kept_s * self._sr) - self._first), len(self._samples))
        self._samples = self._samples[n_past:].copy()
        self._first += n_past
        return rows

    def finish(self) -> np.ndarray:
        """Return the last rows."""
        self._measure(self._finder.finish())
        return self._rows(self._n_samples / self._sr)

    def whole(self) -> np.ndarray:
        """Return jitter and shimmer of all pulses, by `perturbation.NAMES`."""
        return measures(*self._sums)

    def _measure(self, stretches: Iterable[Stretch]) -> None:
        sound = Sound(self._samples, self._first, self._sr)
        for stretch in stretches:
            pulses = np.array(find_pulses(sound, stretch, self._loudest))
            # The same pulse may be found in two stretches with a short gap between them.
            pulses = pulses[pulses - self._last_pulse_s > 0.8 / stretch.f0[0]]
            if not len(pulses):
                continue
            levels = amplitudes(sound, pulses, has_periods(pulses))
            self._sums += [
                found[0]
                for found in sums_within(pulses, levels, np.array([0]), np.array([len(pulses)]))
            ]
            self._last_pulse_s = pulses[-1]
            self._pulses = np.concatenate([self._pulses, pulses])
            self._amplitudes = np.concatenate([self._amplitudes, levels])

    def _rows(self, until_s: float) -> np.ndarray:
        n_frames = max(self._n_frames, 1 + int(np.floor(until_s / self._step_s + 1e-9)))
        times = np.arange(self._n_frames, n_frames) * self._step_s
        self._n_frames = n_frames
        first, last = np.searchsorted(self._pulses, [times - self._half_s, times + self._half_s])
        rows = measures(*sums_within(self._pulses, self._amplitudes, first, last))
        if len(first):
            n_past = int(first[-1])
            self._pulses, self._amplitudes = self._pulses[n_past:], self._amplitudes[n_past:]
        return rows
