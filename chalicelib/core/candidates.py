"""Candidate pitches of each frame and their probabilities: the first half of pYIN."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.core.pitch_parameters import PitchParameters

_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, slots=True)
class Candidates:
    """What was observed in a run of frames.

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


class CandidateFinder:
    """Find the troughs of difference functions and weigh them over all thresholds.

    Parameters
    ----------
    parameters : PitchParameters
        thresholds, priors and pitch bins are taken from it

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

    def __call__(self, yin: NDArray[np.float64]) -> Candidates:
        """Return the candidates of each frame.

        Parameters
        ----------
        yin : np.ndarray [shape=(n_frames, n_lags)]
            difference functions, from the shortest lag to the longest

        Returns
        -------
        candidates : Candidates
            those with a probability above zero
        """
        frame, lag = np.nonzero(troughs(yin))
        probs = self._probabilities(yin[frame, lag], frame, len(yin))
        live = probs != 0
        frame, lag, probs = frame[live], lag[live], probs[live]
        bins = self._bins(lag + parabolic_shifts(yin, frame, lag))
        return self._observations(frame, bins, probs, len(yin))

    def _probabilities(
        self, heights: NDArray[np.float64], frame: NDArray[np.intp], n_frames: int
    ) -> NDArray[np.float64]:
        thresholds = self._thresholds[1:]
        starts = np.searchsorted(frame, np.arange(n_frames + 1))
        below = heights[:, None] < thresholds
        # The rank of a trough among those of its frame that are below the same threshold.
        rank = np.zeros((len(heights) + 1, len(thresholds)), np.int16)
        np.cumsum(below, axis=0, out=rank[1:])
        n_below = rank[starts[1:]] - rank[starts[:-1]]
        position = rank[1:] - rank[starts[frame]]
        position *= below
        prior = self._prior[position, n_below[frame]]
        probs = np.zeros(len(heights))
        for start, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            if start == stop:
                continue
            # One product for each frame, as in librosa: BLAS rounds by the shape it is given.
            np.dot(prior[start:stop], self._threshold_probs, out=probs[start:stop])
            lowest = start + int(np.argmin(heights[start:stop]))
            n_above = int(np.searchsorted(thresholds, heights[lowest], side="right"))
            probs[lowest] += self._no_trough[n_above]
        return probs

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
        # Bins fall as lags rise. Of two candidates in one bin the longer lag counts, and one
        # above the last bin counts for nothing: both are librosa's rules.
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
        strictly below the lag before, and not above the lag after; a lag at an edge has to be
        strictly below its one neighbour
    """
    is_trough = np.empty(yin.shape, np.bool_)
    np.less(yin[:, 1:], yin[:, :-1], out=is_trough[:, 1:])
    is_trough[:, 1:-1] &= yin[:, 1:-1] <= yin[:, 2:]
    is_trough[:, 0] = yin[:, 0] < yin[:, 1]
    return is_trough


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
        lags to add, within (-1, 1); 0 at an edge, and where the parabola's minimum is not near
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


def trough_prior(n_troughs: int, boltzmann_parameter: float) -> NDArray[np.float64]:
    """Tabulate the truncated Boltzmann distribution over the troughs below a threshold.

    Parameters
    ----------
    n_troughs : int > 0
        most troughs that a frame can have
    boltzmann_parameter : float > 0
        how much shorter periods are preferred

    Returns
    -------
    prior : np.ndarray [shape=(n_troughs + 1, n_troughs + 1)]
        ``prior[k, n]`` is the probability of the ``k``-th of ``n`` troughs, counted from 1
    """
    n = np.arange(1, n_troughs + 1)
    k = n[:, None] - 1
    prior = np.zeros((n_troughs + 1, n_troughs + 1))
    norm = (1 - np.exp(-boltzmann_parameter)) / (1 - np.exp(-boltzmann_parameter * n))
    prior[1:, 1:] = np.where(k < n, norm * np.exp(-boltzmann_parameter * k), 0)
    return prior


def beta_cdf(x: float, a: int, b: int) -> float:
    """Evaluate the cumulative beta distribution for whole shape parameters.

    It is the probability of at least ``a`` successes in ``a + b - 1`` trials, a finite sum,
    taken over the side of the mean where no digits cancel.

    Parameters
    ----------
    x : float in [0, 1]
        upper limit of the distribution
    a, b : int > 0
        shape parameters

    Returns
    -------
    probability : float in [0, 1]
        the integral of the density from 0 to ``x``
    """
    if x in (0.0, 1.0):
        return x
    if x > a / (a + b):
        return 1 - _at_least(b, a + b - 1, 1 - x, x)
    return _at_least(a, a + b - 1, x, 1 - x)


def _at_least(wanted: int, trials: int, success: float, failure: float) -> float:
    term = total = success**trials
    for k in range(trials - 1, wanted - 1, -1):
        term *= (k + 1) * failure / ((trials - k) * success)
        total += term
    return total
