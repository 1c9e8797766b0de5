"""The difference function, its troughs and their priors, with compiled loops if installed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.core.dsp import kernels
from chalicelib.core.pitch.candidates import CandidateFinder, Troughs
from chalicelib.core.pitch.parameters import PitchParameters
from chalicelib.core.pitch.yin import DifferenceFunction


class CompiledDifference(DifferenceFunction):
    """`DifferenceFunction` of samples in single precision, with its sums compiled."""

    def _normalise(
        self, frames: NDArray[np.floating], difference: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        first, stop = self._lags.start, self._lags.stop
        yin = np.empty((len(frames), stop - first))
        if frames.strides[1] != frames.itemsize or difference.strides[1] != difference.itemsize:
            raise ValueError(f"frames with the strides {frames.strides}")
        kernels.library.difference(
            difference.ctypes.data,
            difference.strides[0] // difference.itemsize,
            frames.ctypes.data,
            frames.strides[0] // frames.itemsize,
            len(frames),
            first,
            stop,
            yin.ctypes.data,
        )
        return yin


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
