"""Log probabilities of the moves between pYIN's states, as tables."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from chalicelib.core.pitch.parameters import PitchParameters
from chalicelib.errors import ParameterError

_TINY = np.finfo(np.float64).tiny

# librosa's probability of an impossible move, which makes its logarithm finite.
LOG_IMPOSSIBLE = float(np.log(_TINY))


@dataclass(frozen=True, slots=True)
class Transitions:
    """Log transition probabilities between pitch bins: all moves, and the band of possible ones.

    A move is between two bins, and keeps or switches the voicing.
    A move is at most ``reach`` bins wide.

    Attributes
    ----------
    keep, switch : np.ndarray [shape=(n_bins, n_bins)]
        from bin (row) to bin (column)
    keep_band, switch_band : np.ndarray [shape=(n_bins, 2 * reach + 1)]
        ``band[j, d]`` is the move from bin ``j + d - reach`` to bin ``j``
    is_pruned : bool
        whether moves of a low probability are minus infinity: not searched
    """

    keep: NDArray[np.float64]
    switch: NDArray[np.float64]
    keep_band: NDArray[np.float64]
    switch_band: NDArray[np.float64]
    is_pruned: bool

    @property
    def n_bins(self) -> int:
        """Number of pitch bins."""
        return len(self.keep)

    @property
    def reach(self) -> int:
        """Farthest possible move, in bins."""
        return int(self.keep_band.shape[1]) // 2

    @classmethod
    @lru_cache(maxsize=1)  # shared by the channels of a recording
    def of(cls, parameters: PitchParameters) -> "Transitions":
        """Compute the transitions for the parameters."""
        n_bins, width = parameters.n_pitch_bins, parameters.transition_width
        local = local_transitions(n_bins, width)
        stay = 1 - parameters.switch_prob
        keep = np.log(stay * local + _TINY)
        # (1 - stay) as in librosa; its last bit may differ from switch_prob.
        switch = np.log((1 - stay) * local + _TINY)
        least = parameters.transition_min_prob
        if least:
            _prune(keep, switch, least)
        reach = width // 2
        return cls(keep, switch, _band(keep, reach), _band(switch, reach), is_pruned=least > 0)


def _prune(keep: NDArray[np.float64], switch: NDArray[np.float64], least: float) -> None:
    """Make each move that is less likely than ``least`` minus infinity, as librosa 1.0 does."""
    likeliest = np.maximum(keep.max(axis=0), switch.max(axis=0))
    threshold = np.log(least + _TINY)
    if likeliest.min() < threshold:
        raise ParameterError(
            "transition_min_prob",
            f"{least:g} leaves a pitch bin that no move leads to: use at most"
            f" {np.exp(likeliest.min()):.1g}",
        )
    for table in (keep, switch):
        table[table < threshold] = -np.inf


def local_transitions(n_bins: int, width: int) -> NDArray[np.float64]:
    """Return the probability of each change of pitch: a triangle about each bin.

    Parameters
    ----------
    n_bins : int > 0
        number of pitch bins
    width : int > 0
        width of the triangle in bins

    Returns
    -------
    transition : np.ndarray [shape=(n_bins, n_bins)]
        from bin (row) to bin (column); each row sums to 1
    """
    ramp = np.arange(1, (width + 1) // 2 + 1, dtype=np.float64)
    if width % 2:
        rise = 2 * ramp / (width + 1.0)
        triangle = np.concatenate([rise, rise[-2::-1]])
    else:
        rise = (2 * ramp - 1.0) / width
        triangle = np.concatenate([rise, rise[::-1]])
    reach = width // 2
    # An even triangle has two middle bins; the choice depends on n_bins, as in librosa.
    offset = np.arange(-reach, reach + 1)
    index = (offset - (n_bins - width) // 2 - n_bins // 2 - 1) % n_bins
    kernel = np.where(index < width, triangle[np.minimum(index, width - 1)], 0)
    transition = np.zeros((n_bins, n_bins))
    for i in range(n_bins):
        first = max(0, i - reach)
        stop = min(n_bins, i + reach + 1)
        transition[i, first:stop] = kernel[first - i + reach : stop - i + reach]
    transition /= transition.sum(axis=1, keepdims=True)
    return transition


def _band(table: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    n_bins = len(table)
    padded = np.full((n_bins + 2 * reach, n_bins), -np.inf)
    padded[reach : reach + n_bins] = table
    row, column = padded.strides
    # A step along the band is one row down; a step from bin to bin is one down the diagonal.
    band = as_strided(padded, (n_bins, 2 * reach + 1), (row + column, row), writeable=False)
    return np.ascontiguousarray(band)
