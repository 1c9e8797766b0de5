"""Praat's windows: for a frame, and for the interpolation between samples."""

import numpy as np


def gaussian(n: int) -> np.ndarray:
    """Return Praat's Gaussian window, which ends at zero, of shape (n,)."""
    distances = (np.arange(1, n + 1) - 0.5 * (n + 1)) / (n + 1)
    edge = np.exp(-12.0)
    return np.asarray((np.exp(-48.0 * distances**2) - edge) / (1.0 - edge))


def sinc_weights(fractions: np.ndarray, n_side: int) -> np.ndarray:
    """Return the weights of the samples on each side, under Praat's raised cosine.

    Parameters
    ----------
    fractions : np.ndarray [shape=(...)]
        where a value lies between the last sample on its left and the first on its right, from 0
        to 1
    n_side : int > 0
        samples on each side

    Returns
    -------
    weights : np.ndarray [shape=(..., 2 * n_side)]
    """
    fraction = fractions[..., np.newaxis]
    taps = np.arange(1 - n_side, n_side + 1)
    distances = taps - fraction
    reach = np.where(taps <= 0, n_side + fraction, n_side + 1 - fraction)
    return np.asarray(np.sinc(distances) * (0.5 + 0.5 * np.cos(np.pi * distances / reach)))
