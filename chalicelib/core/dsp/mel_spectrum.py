"""The power of frames in mel bands, in single precision if that is exact enough."""

import numpy as np

from chalicelib.core.dsp.mel import mel_slabs
from chalicelib.core.dsp.memory import BUFFER_ELEMENTS, aligned
from chalicelib.core.dsp.parameters import FeatureParameters

# Enough frames to make one product with the filterbank fast. A transform takes as many bytes at
# once as fit into a core's cache.
FRAMES_IN_A_PRODUCT = 64
TRANSFORM_BYTES = 1 << 18
# Values more than 80 dB below the loudest band are raised to that level, so they need not be exact.
TOP_RATIO = np.float32(1e8)
# A transform in single precision adds noise of about this part of the spectrum's mean amplitude.
SINGLE_NOISE = 2.0**-24
# This relative noise in the bands, root mean square, is a few millionths of a decibel.
MOST_NOISE = 1e-6
# After a block with more noisy frames than this, the next block is in double precision.
MOST_NOISY_FRAMES = 0.4


class MelSpectrum:
    """librosa's mel spectrum of frames that come in blocks.

    Tones and steep spectra need the double precision in which librosa transforms; the noise of
    single precision would hide their weak bands. Most speech does not need it, and single precision
    takes two thirds of the time. Each frame is checked by its spectrum, and computed again if
    necessary.

    Parameters
    ----------
    parameters : FeatureParameters
        the recipe
    sr : int > 0
        sampling rate of the signal in hertz
    window : np.ndarray [shape=(n_fft,)]
        the factors of a frame's samples
    """

    def __init__(self, parameters: FeatureParameters, *, sr: int, window: np.ndarray) -> None:
        n_fft = len(window)
        self._n_mels = parameters.n_mels
        slabs = mel_slabs(parameters, sr=sr, n_fft=n_fft)
        # Each bin occurs twice, for the squares of its real and its imaginary part, which the
        # product adds up.
        self._slabs = [
            (bands, slice(2 * bins.start, 2 * bins.stop), np.repeat(weights.T, 2, axis=0))
            for bands, bins, weights in slabs
        ]
        self._peaks = np.concatenate([weights.max(axis=1, initial=0) for _, _, weights in slabs])
        n_bins = 1 + n_fft // 2
        self._mean = np.full(2 * n_bins, 1 / n_bins, dtype=np.float32)
        self._power = aligned(FRAMES_IN_A_PRODUCT, 2 * n_bins, dtype=np.float32)
        self._single = _Transform(window, np.float32)
        self._double = _Transform(window, np.float64)
        # Other lengths have much more noise.
        self._never_single = n_fft.bit_count() != 1
        self._is_noisy = self._never_single
        self._loudest = np.float32(0)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Return the power of some frames in each band.

        Parameters
        ----------
        frames : np.ndarray [shape=(n > 0, n_fft)]
            float32 samples

        Returns
        -------
        mel : np.ndarray [shape=(n, n_mels)]
            float32; not finite if the samples are too large
        """
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            np.setbufsize(BUFFER_ELEMENTS)
            if self._is_noisy:
                mel, mean_power = self._bands(frames, self._double)
            else:
                mel, mean_power = self._bands(frames, self._single)
            if self._never_single:
                return mel
            noisy = np.flatnonzero(self._noise(mel, mean_power) > MOST_NOISE)
            if len(noisy) and not self._is_noisy:
                mel[noisy], _ = self._bands(frames[noisy], self._double)
            self._is_noisy = len(noisy) > MOST_NOISY_FRAMES * len(frames)
            return mel

    def _bands(self, frames: np.ndarray, transform: "_Transform") -> tuple[np.ndarray, np.ndarray]:
        """Return the power of frames in each band, and their mean power in a bin."""
        mel = np.empty((len(frames), self._n_mels), dtype=np.float32)
        mean_power = np.empty(len(frames), dtype=np.float32)
        for first in range(0, len(frames), FRAMES_IN_A_PRODUCT):
            part = slice(first, first + FRAMES_IN_A_PRODUCT)
            power = self._power[: len(mel[part])]
            transform(frames[part], out=power)
            np.matmul(power, self._mean, out=mean_power[part])
            for bands, bins, weights in self._slabs:
                np.matmul(power[:, bins], weights, out=mel[part, bands])
        return mel, mean_power

    def _noise(self, mel: np.ndarray, mean_power: np.ndarray) -> np.ndarray:
        """Estimate the relative noise of single precision in the bands of each frame."""
        loudest = np.maximum.reduce(mel, axis=1, initial=self._loudest)
        np.maximum.accumulate(loudest, out=loudest)
        self._loudest = loudest[-1]
        # An empty band is silent, so it does not count.
        counts = mel * TOP_RATIO > loudest[:, np.newaxis]
        noise = np.divide(self._peaks, mel, out=np.zeros_like(mel), where=counts)
        noise = np.add.reduce(noise, axis=1) * mean_power / self._n_mels
        return np.asarray(SINGLE_NOISE * np.sqrt(noise))


class _Transform:
    """Squares of the real and imaginary parts of frames' spectra, computed in one precision."""

    def __init__(self, window: np.ndarray, dtype: type[np.floating]) -> None:
        n_fft = len(window)
        n_frames = max(1, TRANSFORM_BYTES // (n_fft * np.dtype(dtype).itemsize))
        self._dtype = dtype
        # numpy's FFT keeps single precision if it divides by the length; the window undoes this.
        self._window = aligned(n_fft, dtype=dtype)
        self._window[:] = n_fft * window
        self._windowed = aligned(n_frames, n_fft, dtype=dtype)
        self._spectrum = aligned(
            n_frames, 1 + n_fft // 2, dtype=np.result_type(dtype, np.complex64)
        )

    def __call__(self, frames: np.ndarray, *, out: np.ndarray) -> None:
        """Fill ``out``, float32 of shape (n, 2 * (1 + n_fft // 2)) for n frames."""
        n_at_once = len(self._windowed)
        for first in range(0, len(frames), n_at_once):
            some = frames[first : first + n_at_once]
            windowed = self._windowed[: len(some)]
            windowed[:] = some
            windowed *= self._window
            spectrum = np.fft.rfft(windowed, norm="forward", out=self._spectrum[: len(some)])
            parts = spectrum.view(self._dtype)
            np.square(parts, out=out[first : first + n_at_once], casting="same_kind")
