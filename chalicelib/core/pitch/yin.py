"""The YIN difference function of each frame, equal to librosa's to the last bit."""

import numpy as np
from numpy.typing import NDArray

from chalicelib.core.pitch.parameters import PitchParameters

# The spectra of this many frames take a small part of the processor's second-level cache.
FFT_FRAMES = 16

_TINY = np.finfo(np.float64).tiny


class DifferenceFunction:
    """The cumulative mean normalised difference function of YIN, many frames at a time.

    Every operation has the same precision and order as in librosa, because a trough is compared
    with thresholds, and the last bit can decide.

    Parameters
    ----------
    parameters : PitchParameters
        the lags and the frame length
    dtype : np.dtype
        ``float32`` or ``float64``, the precision of the samples
    n_frames : int > 0
        most frames that are given at once

    References
    ----------
    A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator for speech and
    music", JASA 111(4), 2002, equation 8.
    """

    def __init__(
        self, parameters: PitchParameters, *, dtype: np.dtype[np.floating], n_frames: int
    ) -> None:
        self._lags = slice(parameters.min_period, parameters.max_period + 1)
        self._n_fft = 2 * parameters.frame_length
        self._correlations = np.empty((n_frames, parameters.max_period + 1), dtype)
        self._padded = np.zeros((FFT_FRAMES, self._n_fft), dtype)
        # Reused for every batch, because new memory of this size causes page faults each time.
        self._power = np.zeros(
            (FFT_FRAMES, parameters.frame_length + 1), np.result_type(dtype, np.complex64)
        )
        self._spectrum = np.empty_like(self._power)
        self._correlation = np.empty_like(self._padded)
        self._unscale = dtype.type(self._n_fft)
        self._counts = np.arange(1, parameters.max_period + 1)

    def __call__(self, frames: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the difference function of each frame.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, frame_length)]
            samples of each frame

        Returns
        -------
        yin : np.ndarray [shape=(n_frames, max_period - min_period + 1)]
            dissimilarity of the frame with itself at each lag; near 0 at a period
        """
        return self._normalise(frames, self._correlate(frames))

    def _correlate(self, frames: NDArray[np.floating]) -> NDArray[np.floating]:
        stop = self._lags.stop
        correlations = self._correlations[: len(frames), :stop]
        for i in range(0, len(frames), FFT_FRAMES):
            correlations[i : i + FFT_FRAMES] = self._autocorrelate(frames[i : i + FFT_FRAMES])[
                :, :stop
            ]
        return correlations

    def _normalise(
        self, frames: NDArray[np.floating], difference: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        first, stop = self._lags.start, self._lags.stop
        energy = np.square(frames[:, : stop - 1])
        np.cumsum(energy, axis=1, out=energy)
        energy[:, 0] = 0
        difference = 2 * (difference[:, :1] - difference[:, 1:]) - energy
        mean = np.cumsum(difference, axis=1) / self._counts
        mean = mean[:, first - 1 :]
        mean += _TINY
        yin: NDArray[np.float64] = np.divide(difference[:, first - 1 :], mean, out=mean)
        return yin

    def _autocorrelate(self, frames: NDArray[np.floating]) -> NDArray[np.floating]:
        n_frames, frame_length = frames.shape
        padded = self._padded[:n_frames]
        padded[:, :frame_length] = frames
        # norm="forward" keeps numpy in single precision (its default does not); the length is a
        # power of two, so that multiplying by it undoes the scaling exactly.
        spectrum = np.fft.rfft(padded, norm="forward", out=self._spectrum[:n_frames])
        parts = spectrum.view(self._unscale.dtype)
        parts *= self._unscale
        np.square(parts, out=parts)
        power = self._power[:n_frames]
        np.add(parts[:, ::2], parts[:, 1::2], out=power.real)
        return np.fft.irfft(power, n=self._n_fft, out=self._correlation[:n_frames])
