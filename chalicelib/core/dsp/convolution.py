"""Filters with long impulse responses, for signals that arrive in blocks."""

import numpy as np


class Convolution:
    """A filter by its impulse response, computed by transforms (overlap-save), causal.

    Parameters
    ----------
    response : np.ndarray [shape=(n_taps,)]
        the impulse response
    n_channels : int > 0
        signals that are filtered side by side
    """

    def __init__(self, response: np.ndarray, *, n_channels: int = 1) -> None:
        self._n_before = len(response) - 1
        self._n_fft = 1 << (4 * len(response) - 1).bit_length()
        self._n_at_once = self._n_fft - self._n_before
        self._response = np.fft.rfft(response, self._n_fft)
        self._before = np.zeros((n_channels, self._n_before))

    def push(self, x: np.ndarray) -> np.ndarray:
        """Take the next samples, (n_channels, n), and return as many filtered ones, float64."""
        y = np.empty(x.shape)
        signal = np.concatenate([self._before, x], axis=1)
        for first in range(0, x.shape[1], self._n_at_once):
            piece = signal[:, first : first + self._n_fft]
            product = np.fft.rfft(piece, self._n_fft) * self._response
            n = piece.shape[1] - self._n_before
            filtered = np.fft.irfft(product, self._n_fft)
            y[:, first : first + n] = filtered[:, self._n_before : self._n_before + n]
        self._before = signal[:, signal.shape[1] - self._n_before :].copy()
        return y


def impulse_response(sections: list[tuple[np.ndarray, np.ndarray]], n_taps: int) -> np.ndarray:
    """Return the start of the response of recursive filters of second order to an impulse.

    Parameters
    ----------
    sections : list of (np.ndarray [shape=(3,)], np.ndarray [shape=(3,)])
        numerator and denominator of each filter, the denominator's first number being 1
    n_taps : int > 0
        number of samples
    """
    y = [1.0] + [0.0] * (n_taps - 1)
    for b, a in sections:
        b0, b1, b2 = map(float, b)
        _, a1, a2 = map(float, a)
        x1 = x2 = y1 = y2 = 0.0
        out = []
        for x in y:
            now = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            x1, x2, y1, y2 = x, x1, now, y1
            out.append(now)
        y = out
    return np.array(y)
