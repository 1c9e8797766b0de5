"""pYIN's prior distributions, over thresholds and over the troughs below a threshold."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=1)  # the channels of a recording share it
def trough_prior(n_troughs: int, boltzmann_parameter: float) -> NDArray[np.float64]:
    """Tabulate the truncated Boltzmann distribution over the troughs below a threshold.

    Parameters
    ----------
    n_troughs : int > 0
        most troughs that a frame can have
    boltzmann_parameter : float > 0
        strength of the preference for shorter periods

    Returns
    -------
    prior : np.ndarray [shape=(n_troughs + 1, n_troughs + 1)]
        ``prior[n, k]`` is the probability of the ``k``-th of ``n`` troughs, counted from 1

    Examples
    --------
    >>> trough_prior(2, 2.0).round(3).tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.881, 0.119]]
    """
    n = np.arange(1, n_troughs + 1)[:, None]
    k = np.arange(n_troughs)
    prior = np.zeros((n_troughs + 1, n_troughs + 1))
    norm = (1 - np.exp(-boltzmann_parameter)) / (1 - np.exp(-boltzmann_parameter * n))
    prior[1:, 1:] = np.where(k < n, norm * np.exp(-boltzmann_parameter * k), 0)
    return prior


def beta_cdf(x: float, a: int, b: int) -> float:
    """Evaluate the cumulative beta distribution for whole shape parameters.

    It is the probability of at least ``a`` successes in ``a + b - 1`` trials, a finite sum,
    computed on the side of the mean where no digits cancel.

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

    Examples
    --------
    >>> round(beta_cdf(0.1, 2, 18), 3)
    0.58
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
