"""The difference function, its troughs and their priors, with compiled loops if installed."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.core.dsp import kernels
from chalicelib.core.dsp.memory import aligned
from chalicelib.core.pitch.candidates import CandidateFinder, Troughs
from chalicelib.core.pitch.parameters import PitchParameters
from chalicelib.core.pitch.yin import DifferenceFunction

RADIX = 4
"""Only lengths that are a power of it are transformed; others are left to numpy."""


class CompiledDifference(DifferenceFunction):
    """`DifferenceFunction` of samples in single precision, compiled."""

    def __init__(
        self, parameters: PitchParameters, *, dtype: np.dtype[np.floating], n_frames: int
    ) -> None:
        super().__init__(parameters, dtype=dtype, n_frames=n_frames)
        self._autocorrelator = (
            Autocorrelator(parameters.frame_length)
            if has_numpys_bits(parameters.frame_length)
            else None
        )

    def _correlate(self, frames: NDArray[np.floating]) -> NDArray[np.floating]:
        if self._autocorrelator is None:
            return super()._correlate(frames)
        correlations = self._correlations[: len(frames)]
        self._autocorrelator(frames, correlations)
        return correlations

    def _normalise(
        self, frames: NDArray[np.floating], difference: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        first, stop = self._lags.start, self._lags.stop
        yin = np.empty((len(frames), stop - first))
        kernels.library.difference(
            *_rows_of(difference),
            *_rows_of(frames),
            *(len(frames), first, stop, yin.ctypes.data),
        )
        return yin


class Autocorrelator:
    """Autocorrelations of frames in single precision, padded with as many zeros.

    Parameters
    ----------
    frame_length : int > 0
        samples in a frame, half a power of four
    """

    def __init__(self, frame_length: int) -> None:
        self._frame_length = frame_length
        self._twiddles = _twiddles(2 * frame_length)
        self._room = aligned(2, 2 * frame_length, kernels.FRAMES_AT_ONCE, dtype=np.float32)

    def __call__(self, frames: NDArray[Any], correlations: NDArray[Any]) -> None:
        """Write the autocorrelation of each frame, as many lags as there is room for.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, frame_length)]
            float32
        correlations : np.ndarray [shape=(n_frames, n_lags)]
            float32
        """
        address, step = _rows_of(correlations)
        kernels.library.autocorrelate(
            *(*_rows_of(frames), len(frames), self._frame_length, self._twiddles.ctypes.data),
            *(self._room[0].ctypes.data, self._room[1].ctypes.data),
            *(correlations.shape[1], step, address),
        )


@lru_cache(maxsize=4)
def has_numpys_bits(frame_length: int) -> bool:
    """Return whether the compiled autocorrelation equals numpy's to the last bit, for one signal.

    It does if numpy's transform was compiled without fused products, as in numpy's wheels for
    x86-64. If it does not, numpy computes the transforms.
    """
    n_fft, order = 1, 2 * frame_length
    while n_fft < order:
        n_fft *= RADIX
    if n_fft != order:
        return False
    n_frames = kernels.FRAMES_AT_ONCE
    # Fractions of multiples of the golden ratio, which never repeat.
    fractions = np.modf(np.arange(n_frames * frame_length) * 1.618033988749895)[0] - 0.5
    frames = fractions.astype(np.float32).reshape(n_frames, frame_length)
    spectrum = np.fft.rfft(frames, n_fft, norm="forward") * np.float32(n_fft)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    expected = np.fft.irfft(power.astype(np.complex64), n_fft)
    found = np.empty((n_frames, n_fft), np.float32)
    Autocorrelator(frame_length)(frames, found)
    return np.array_equal(found, expected)


def _twiddles(n_fft: int) -> NDArray[np.float32]:
    """Return the roots of each pass in pocketfft's order, from its first pass back."""
    passes = []
    n_apart = 1
    while n_apart < n_fft:
        length = n_fft // (RADIX * n_apart)
        i = np.arange(1, (length - 1) // 2 + 1)
        roots = np.zeros((RADIX - 1, length - 1))
        for j in range(1, RADIX):
            angle = 2 * np.pi * (j * n_apart * i) / n_fft
            roots[j - 1, 2 * i - 2] = np.cos(angle)
            roots[j - 1, 2 * i - 1] = np.sin(angle)
        passes.append(roots.ravel())
        n_apart *= RADIX
    return np.concatenate(passes).astype(np.float32)


def _rows_of(array: NDArray[Any]) -> tuple[int, int]:
    """Return the address of an array, and the values from one of its rows to the next."""
    if array.strides[1] != array.itemsize:
        raise ValueError(f"rows with the strides {array.strides}")
    return array.ctypes.data, array.strides[0] // array.itemsize


class CompiledFinder(CandidateFinder):
    """`CandidateFinder` with its troughs and their priors from compiled loops."""

    def __init__(self, parameters: PitchParameters) -> None:
        super().__init__(parameters)
        self._room = np.empty((2, len(self._threshold_probs)), np.intp)

    def _troughs(self, yin: NDArray[np.float64]) -> Troughs:
        n_frames, n_lags = yin.shape
        yin = np.ascontiguousarray(yin)
        most = n_frames * (n_lags // 2 + 1)
        frame, lag = np.empty((2, most), np.int64)
        heights, shifts = np.empty((2, most))
        n = kernels.library.find_troughs(
            *(yin.ctypes.data, n_frames, n_lags),
            *(each.ctypes.data for each in (frame, lag, heights, shifts)),
        )
        return Troughs(frame[:n], lag[:n], heights[:n], shifts[:n])

    def _prior_of(
        self, frame: NDArray[np.intp], n_above: NDArray[np.intp], n_frames: int
    ) -> NDArray[np.float64]:
        n_thresholds = len(self._threshold_probs)
        prior = self._weights.of(len(n_above), n_thresholds)
        starts = np.searchsorted(frame, np.arange(n_frames + 1))
        kernels.library.trough_priors(
            *(n_above.ctypes.data, starts.ctypes.data, n_frames, n_thresholds),
            *(self._prior.ctypes.data, len(self._prior)),
            *(self._room[0].ctypes.data, self._room[1].ctypes.data, prior.ctypes.data),
        )
        return prior


def make_difference(
    parameters: PitchParameters, *, dtype: np.dtype[Any], n_frames: int
) -> DifferenceFunction:
    """Return the difference function of frames; see `DifferenceFunction` for the arguments."""
    kind = CompiledDifference if kernels.library and dtype == np.float32 else DifferenceFunction
    return kind(parameters, dtype=dtype, n_frames=n_frames)


def make_finder(parameters: PitchParameters) -> CandidateFinder:
    """Return a finder of candidates; see `CandidateFinder` for the arguments."""
    return (CompiledFinder if kernels.library else CandidateFinder)(parameters)
