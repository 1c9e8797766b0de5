"""Pre-emphasis, as Praat's."""

import numpy as np


class Preemphasis:
    """A signal whose spectrum is raised by 6 dB for each octave.

    Parameters
    ----------
    from_hz : float
        the frequency from which the spectrum is raised
    sr : int > 0
        sampling rate in hertz
    """

    def __init__(self, from_hz: float, *, sr: int) -> None:
        self._factor = np.exp(-2 * np.pi * from_hz / sr)
        self._before = 0.0

    def push(self, y: np.ndarray) -> np.ndarray:
        """Take the next samples, of shape (n,), and return them raised, float64."""
        signal = np.concatenate([[self._before], y])
        self._before = float(signal[-1])
        return np.asarray(signal[1:] - self._factor * signal[:-1])
