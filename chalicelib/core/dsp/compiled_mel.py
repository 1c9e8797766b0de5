"""The power of frames in mel bands, compiled if possible."""

import numpy as np

from chalicelib.core.dsp import kernels
from chalicelib.core.dsp.mel import mel_slabs
from chalicelib.core.dsp.mel_spectrum import MelSpectrum
from chalicelib.core.dsp.memory import aligned
from chalicelib.core.dsp.parameters import FeatureParameters


class CompiledMelSpectrum:
    """`MelSpectrum`, compiled, and always in double precision.

    Parameters
    ----------
    parameters, sr, window
        as for `MelSpectrum`; the window's length is a power of two
    """

    def __init__(self, parameters: FeatureParameters, *, sr: int, window: np.ndarray) -> None:
        n_fft = self._n_fft = len(window)
        n = n_fft // 2
        self._n_mels = parameters.n_mels
        self._window = window.astype(np.float64)
        self._roots = np.exp(-2j * np.pi * np.arange(n_fft) / n_fft)
        self._reversed = np.zeros(n, dtype=np.uint32)
        for bit in range(n.bit_length() - 1):
            self._reversed |= ((np.arange(n, dtype=np.uint32) >> bit) & 1) * (n >> (bit + 1))
        rows = [
            (bins.start, row)
            for _, bins, weights in mel_slabs(parameters, sr=sr, n_fft=n_fft)
            for row in weights
        ]
        self._bands = np.array([_span(first, row) for first, row in rows], dtype=np.uint32)
        self._weights = np.concatenate([row[row > 0] for _, row in rows])
        self._x = aligned(n, 2, kernels.LANES, dtype=np.float64)
        self._power = aligned(n + 1, kernels.LANES, dtype=np.float64)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Return the power of some frames in each band, as `MelSpectrum` does."""
        mel = np.empty((len(frames), self._n_mels), dtype=np.float32)
        kernels.library.mel_spectrum(
            frames.ctypes.data,
            frames.strides[0] // frames.itemsize,
            len(frames),
            self._n_fft,
            self._window.ctypes.data,
            self._roots.ctypes.data,
            self._reversed.ctypes.data,
            self._n_mels,
            self._bands.ctypes.data,
            self._weights.ctypes.data,
            self._x.ctypes.data,
            self._power.ctypes.data,
            mel.ctypes.data,
        )
        return mel


def _span(first: int, weights: np.ndarray) -> tuple[int, int]:
    """Return the first bin of a band, and the number of bins; its weights rise, then fall."""
    (touched,) = np.nonzero(weights)
    return (first + int(touched[0]), len(touched)) if len(touched) else (first, 0)


def make_mel_spectrum(
    parameters: FeatureParameters, *, sr: int, window: np.ndarray
) -> MelSpectrum | CompiledMelSpectrum:
    """Return an object that computes mel spectra; see `MelSpectrum` for the arguments."""
    is_power_of_two = len(window).bit_count() == 1
    kind = CompiledMelSpectrum if kernels.library and is_power_of_two else MelSpectrum
    return kind(parameters, sr=sr, window=window)
