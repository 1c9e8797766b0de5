"""Formants by linear prediction: Burg's method, as in Praat's ``Sound: To Formant (burg)``.

Burg (1975); the window, the pre-emphasis and the choice of poles are Praat's (Boersma and
Weenink), whose source is ``Sound_to_Formant.cpp``.
"""

import numpy as np

from chalicelib.core.voice.framing import TimedFramer
from chalicelib.core.voice.preemphasis import Preemphasis
from chalicelib.core.voice.windows import gaussian

FRAMES_AT_ONCE = 128
# Poles that are nearer than this to 0 Hz, or to half the sampling rate, are not formants.
MARGIN_HZ = 50.0


class FormantAnalyser:
    """Frequencies and bandwidths of the formants of a signal that arrives in blocks.

    Parameters
    ----------
    sr : int > 0
        sampling rate in hertz: twice the highest formant
    step_s : float > 0
        seconds between frames
    window_length : float > 0
        effective length of the Gaussian window in seconds; the window itself is twice as long
    n_poles : int > 0
        poles that are fitted, two for each formant
    preemphasis_hz : float
        the frequency from which the spectrum is raised by 6 dB for each octave
    n_columns : int > 0
        formants that are returned
    first_s : float
        time of the first frame
    """

    def __init__(
        self,
        *,
        sr: int,
        step_s: float,
        window_length: float,
        n_poles: int,
        preemphasis_hz: float,
        n_columns: int,
        first_s: float = 0.0,
    ) -> None:
        n_window = int(2 * window_length * sr)
        self._window = gaussian(n_window)[: n_window // 2 * 2]
        self._framer = TimedFramer(n_window // 2, sr=sr, step_s=step_s, first_s=first_s)
        self._preemphasis = Preemphasis(preemphasis_hz, sr=sr)
        self._sr = sr
        self._n_poles = n_poles
        self._n_columns = n_columns

    def push(self, y: np.ndarray) -> np.ndarray:
        """Take the next samples, of shape (n,), and return the rows that they complete.

        Returns
        -------
        rows : np.ndarray [shape=(n_frames, 2 * n_columns)]
            float32: frequencies in hertz, ascending, then bandwidths; NaN where there are fewer
        """
        return self._rows(self._framer.push(self._preemphasis.push(y)))

    def finish(self) -> np.ndarray:
        """Return the last rows."""
        return self._rows(self._framer.finish())

    def _rows(self, frames: np.ndarray) -> np.ndarray:
        rows = np.full((len(frames), 2 * self._n_columns), np.nan, np.float32)
        for first in range(0, len(frames), FRAMES_AT_ONCE):
            some = frames[first : first + FRAMES_AT_ONCE]
            (heard,) = np.nonzero(some.any(axis=1))
            if len(heard):
                rows[first + heard] = self._formants(some[heard] * self._window)
        return rows

    def _formants(self, frames: np.ndarray) -> np.ndarray:
        coefficients = burg(frames, self._n_poles)
        companion = np.zeros((len(frames), self._n_poles, self._n_poles))
        companion[:, 0] = coefficients
        companion[:, np.arange(1, self._n_poles), np.arange(self._n_poles - 1)] = 1
        poles = np.linalg.eigvals(companion)
        radii = np.abs(poles)
        outside = radii > 1
        radii[outside] = 1 / radii[outside]
        nyquist = self._sr / 2
        frequencies = np.abs(np.angle(poles)) * nyquist / np.pi
        wanted = (
            (poles.imag >= 0) & (frequencies >= MARGIN_HZ) & (frequencies <= nyquist - MARGIN_HZ)
        )
        with np.errstate(divide="ignore"):
            bandwidths = -np.log(radii) * nyquist / np.pi * 2
        frequencies = np.where(wanted, frequencies, np.inf)
        order = np.argsort(frequencies, axis=1)[:, : self._n_columns]
        found = np.full((2, len(frames), self._n_columns), np.nan)
        n = order.shape[1]
        found[0, :, :n] = np.take_along_axis(frequencies, order, axis=1)
        found[1, :, :n] = np.take_along_axis(bandwidths, order, axis=1)
        found[:, ~np.isfinite(found[0])] = np.nan
        found[1, ~np.isfinite(found[1])] = np.nan
        return np.concatenate(found, axis=1)


def burg(frames: np.ndarray, order: int) -> np.ndarray:
    """Return the coefficients of linear prediction by Burg's method.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, n)]
        windowed samples; no frame is all zeros
    order : int > 0
        number of coefficients

    Returns
    -------
    coefficients : np.ndarray [shape=(n_frames, order)]
        the prediction of a sample is the first times the sample before it, plus the second times
        the one before that, and so on
    """
    forward, backward = frames[:, 1:].copy(), frames[:, :-1].copy()
    coefficients = np.zeros((len(frames), order))
    for i in range(order):
        energies = np.einsum("ij,ij->i", forward, forward)
        energies += np.einsum("ij,ij->i", backward, backward)
        products = np.einsum("ij,ij->i", forward, backward)
        reflection = np.divide(
            2 * products, energies, out=np.zeros(len(frames)), where=energies > 0
        )[:, np.newaxis]
        before = coefficients[:, :i]
        coefficients[:, :i] = before - reflection * before[:, ::-1]
        coefficients[:, i] = reflection[:, 0]
        forward, backward = (
            forward[:, 1:] - reflection * backward[:, 1:],
            backward[:, :-1] - reflection * forward[:, :-1],
        )
    return coefficients
