"""Candidate pitches of each frame and their probabilities: the first half of pYIN."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.core.pitch.parameters import PitchParameters
from chalicelib.core.pitch.priors import beta_cdf, trough_prior

_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates of a run of frames.

    Attributes
    ----------
    starts : np.ndarray [shape=(n_frames + 1,)]
        frame ``t`` has the candidates ``starts[t]`` to ``starts[t + 1]``
    bins : np.ndarray [shape=(n,)]
        pitch bin of each candidate, ascending within a frame
    log_probs : np.ndarray [shape=(n,)]
        log of the probability of each candidate
    log_unvoiced : np.ndarray [shape=(n_frames,)]
        log of the probability of each unvoiced state
    voiced_prob : np.ndarray [shape=(n_frames,)]
        probability that each frame is voiced
    """

    starts: NDArray[np.intp]
    bins: NDArray[np.intp]
    log_probs: NDArray[np.float64]
    log_unvoiced: NDArray[np.float64]
    voiced_prob: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Troughs:
    """The troughs of a run of frames, in order: frame, lag, height, and lags to add to each."""

    frame: NDArray[np.intp]
    lag: NDArray[np.intp]
    heights: NDArray[np.float64]
    shifts: NDArray[np.float64]


class _Room:
    """Reused memory: new memory causes page faults, which take longer than the arithmetic."""

    def __init__(self, dtype: type[np.generic]) -> None:
        self._memory = np.empty(0, dtype)

    def of(self, *shape: int) -> NDArray[Any]:
        """Return an array of this shape, with old values in it."""
        size = math.prod(shape)
        if size > len(self._memory):
            self._memory = np.empty(size, self._memory.dtype)
        return self._memory[:size].reshape(shape)


class CandidateFinder:
    """Find the troughs of difference functions and weigh them over all thresholds.

    Parameters
    ----------
    parameters : PitchParameters
        the thresholds, priors and pitch bins

    References
    ----------
    M. Mauch and S. Dixon, "pYIN: a fundamental frequency estimator using probabilistic threshold
    distributions", ICASSP 2014.
    """

    def __init__(self, parameters: PitchParameters) -> None:
        self._parameters = parameters
        self._thresholds = np.linspace(0, 1, parameters.n_thresholds + 1)
        a, b = (int(shape) for shape in parameters.beta_parameters)
        self._threshold_probs = np.diff([beta_cdf(x, a, b) for x in self._thresholds.tolist()])
        self._no_trough = parameters.no_trough_prob * np.array(
            [np.sum(self._threshold_probs[:n]) for n in range(parameters.n_thresholds + 1)]
        )
        n_lags = parameters.max_period - parameters.min_period + 1
        self._prior = trough_prior(n_lags // 2 + 1, parameters.boltzmann_parameter)
        self._below = _Room(np.bool_)
        self._rank = _Room(np.int16)
        self._index = _Room(np.intp)
        self._gathered = _Room(np.float64)
        self._weights = _Room(np.float64)

    def __call__(self, yin: NDArray[np.float64]) -> Candidates:
        """Return the candidates of each frame.

        Parameters
        ----------
        yin : np.ndarray [shape=(n_frames, n_lags)]
            difference functions, from the shortest lag to the longest

        Returns
        -------
        candidates : Candidates
            the candidates with a probability above zero
        """
        found = self._troughs(yin)
        probs = self._probabilities(found.heights, found.frame, len(yin))
        live = probs != 0
        frame, lag = found.frame[live], found.lag[live] + found.shifts[live]
        return self._observations(frame, self._bins(lag), probs[live], len(yin))

    def _troughs(self, yin: NDArray[np.float64]) -> Troughs:
        frame, lag = np.nonzero(troughs(yin))
        return Troughs(frame, lag, yin[frame, lag], parabolic_shifts(yin, frame, lag))

    def _probabilities(
        self, heights: NDArray[np.float64], frame: NDArray[np.intp], n_frames: int
    ) -> NDArray[np.float64]:
        counts = np.bincount(frame, minlength=n_frames)
        starts = np.cumsum(counts) - counts
        n_above = np.searchsorted(self._thresholds[1:], heights, side="right")
        probs = np.zeros(len(heights))
        prior = self._prior_of(frame, n_above, n_frames)
        for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
            # One product for each frame, as in librosa, because BLAS's rounding depends on the
            # shape.
            if count:
                rows = slice(start, start + count)
                np.dot(prior[rows], self._threshold_probs, out=probs[rows])
        lowest = _first_lowest(heights, frame, starts[counts > 0])
        probs[lowest] += self._no_trough[n_above[lowest]]
        return probs

    def _prior_of(
        self, frame: NDArray[np.intp], n_above: NDArray[np.intp], n_frames: int
    ) -> NDArray[np.float64]:
        """Return the prior of each trough at each threshold; zero if the trough is not below it.

        In the words of the paper's section 2.1: for each threshold s_i the troughs of the
        difference function below s_i are its candidates, ordered by their period.
        """
        # 1. Leave out the troughs that are below no threshold.
        n_thresholds = len(self._threshold_probs)
        (low,) = np.nonzero(n_above < n_thresholds)
        frame = frame[low]
        counts = np.bincount(frame, minlength=n_frames)
        # 2. Give each frame a row of its troughs: above[t, k] thresholds are not above the k-th.
        nth = np.arange(len(low)) - (np.cumsum(counts) - counts)[frame]
        above = np.full((n_frames, int(counts.max()) + 1, 1), n_thresholds, np.int16)
        above[frame, nth, 0] = n_above[low]
        # 3. For each threshold s_i, see which troughs are below it.
        below = self._below.of(n_frames, above.shape[1], n_thresholds)
        np.less_equal(above, np.arange(n_thresholds, dtype=np.int16), out=below)
        # 4. Count them from the shortest period on: the rank of each among those below s_i.
        rank = self._rank.of(*below.shape)
        rank[:] = below
        for i in range(1, rank.shape[1]):
            rank[:, i] += rank[:, i - 1]
        # 5. Look up the prior of (how many there are, which of them), in the table as one row.
        n_below = rank[:, -1].astype(np.intp)
        n_below *= len(self._prior)
        rank *= below
        index = self._index.of(len(low), n_thresholds)
        n_below.take(frame, axis=0, out=index, mode="clip")
        index += rank[frame, nth]
        # 6. What was left out in step 1 has a prior of zero at every threshold.
        prior = self._weights.of(len(n_above), n_thresholds)
        prior.fill(0)
        prior[low] = self._prior.take(index, out=self._gathered.of(*index.shape), mode="clip")
        return prior

    def _bins(self, lag: NDArray[np.float64]) -> NDArray[np.intp]:
        p = self._parameters
        f0 = p.sr / (p.min_period + lag)
        bins = np.round(12 * p.bins_per_semitone * np.log2(f0 / p.fmin))
        return np.clip(bins, 0, p.n_pitch_bins).astype(np.intp)

    def _observations(
        self,
        frame: NDArray[np.intp],
        bins: NDArray[np.intp],
        probs: NDArray[np.float64],
        n_frames: int,
    ) -> Candidates:
        n_bins = self._parameters.n_pitch_bins
        # Bins fall as lags rise. Of two candidates in one bin the longer lag counts, and a
        # candidate above the last bin does not count: both are librosa's rules.
        key = frame * (n_bins + 1) + bins
        order = np.argsort(key, kind="stable")
        key = key[order]
        keep = bins[order] < n_bins
        keep[:-1] &= key[:-1] != key[1:]
        order = order[keep]
        frame, bins, probs = frame[order], bins[order], probs[order]
        voiced_prob: NDArray[np.float64] = np.clip(
            np.bincount(frame, weights=probs, minlength=n_frames), 0.0, 1.0
        )
        return Candidates(
            starts=np.searchsorted(frame, np.arange(n_frames + 1)),
            bins=bins,
            log_probs=np.log(probs + _TINY),
            log_unvoiced=np.log((1 - voiced_prob) / n_bins + _TINY),
            voiced_prob=voiced_prob,
        )


def troughs(yin: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the lags at which a difference function has a local minimum.

    Parameters
    ----------
    yin : np.ndarray [shape=(n_frames, n_lags)]
        difference functions

    Returns
    -------
    is_trough : np.ndarray [shape=(n_frames, n_lags)]
        strictly below the lag before, and not above the lag after; a lag at an edge must be
        strictly below its one neighbour

    Examples
    --------
    >>> troughs(np.array([[3.0, 1.0, 1.0, 2.0, 0.5]])).tolist()
    [[False, True, False, False, True]]
    """
    is_trough = np.empty(yin.shape, np.bool_)
    np.less(yin[:, 1:], yin[:, :-1], out=is_trough[:, 1:])
    is_trough[:, 1:-1] &= yin[:, 1:-1] <= yin[:, 2:]
    is_trough[:, 0] = yin[:, 0] < yin[:, 1]
    return is_trough


def _first_lowest(
    heights: NDArray[np.float64], frame: NDArray[np.intp], starts: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the index of each frame's deepest trough, the first if there are equal ones."""
    if not len(starts):
        return starts
    depth = np.minimum.reduceat(heights, starts)
    nth_frame = np.cumsum(np.diff(frame, prepend=frame[0]) > 0)
    (lowest,) = np.nonzero(heights == depth[nth_frame])
    return lowest[np.diff(frame[lowest], prepend=-1) > 0]


def parabolic_shifts(
    yin: NDArray[np.float64], frame: NDArray[np.intp], lag: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Locate minima between lags, by the parabola through each trough and its neighbours.

    Parameters
    ----------
    yin : np.ndarray [shape=(n_frames, n_lags)]
        difference functions
    frame, lag : np.ndarray [shape=(n,)]
        frame and lag of each trough

    Returns
    -------
    shifts : np.ndarray [shape=(n,)]
        lags to add, within (-1, 1); 0 at an edge, and if the parabola's minimum is not near
    """
    last = yin.shape[1] - 1
    here = yin[frame, lag]
    before = yin[frame, np.maximum(lag - 1, 0)]
    after = yin[frame, np.minimum(lag + 1, last)]
    curvature = after + before - 2 * here
    slope = (after - before) / 2
    near = (np.abs(slope) < np.abs(curvature)) & (lag > 0) & (lag < last)
    shifts = np.zeros(len(lag))
    np.divide(-slope, curvature, out=shifts, where=near)
    return shifts
