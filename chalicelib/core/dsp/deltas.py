"""Local slopes of features over time, equal to librosa's, for a stream of rows."""

import math
from collections.abc import Iterable, Iterator

import numpy as np

WIDTH = 9
HALF = WIDTH // 2


def append_deltas(blocks: Iterable[np.ndarray], orders: int) -> Iterator[np.ndarray]:
    """Append the columns of ``librosa.feature.delta``, width 9, to rows that arrive in blocks.

    It is a Savitzky-Golay filter whose polynomial has the degree of the derivative. At the edges,
    where librosa fits the outermost nine frames, the result of the nearest whole window is
    repeated.

    Parameters
    ----------
    blocks : iterable of np.ndarray [shape=(n, n_columns)]
        rows in order, at least nine in all
    orders : int
        0 changes nothing, 1 appends deltas, 2 delta-deltas too

    Yields
    ------
    rows : np.ndarray [shape=(n, n_columns * (1 + orders))]
        float32, as many rows as came in

    Examples
    --------
    >>> rising = np.arange(12, dtype=np.float32)[:, np.newaxis]
    >>> rows = np.concatenate(list(append_deltas([rising[:5], rising[5:]], orders=1)))
    >>> rows[3].tolist()
    [3.0, 1.0]
    """
    if orders == 0:
        yield from blocks
        return
    weights = [_derivative_weights(order) for order in range(1, orders + 1)]
    window: np.ndarray | None = None
    n_head = HALF
    for block in blocks:
        window = block if window is None else np.concatenate([window, block])
        if len(window) < WIDTH:
            continue
        neighbours = np.lib.stride_tricks.sliding_window_view(window, WIDTH, axis=0)
        slopes = np.hstack([(neighbours @ w).astype(np.float32) for w in weights])
        last = slopes[-1:]
        slopes = np.concatenate([slopes[:1]] * n_head + [slopes])
        yield np.hstack([window[HALF - n_head : len(window) - HALF], slopes])
        window, n_head = window[1 - WIDTH :], 0
    if window is None or n_head:
        raise ValueError(f"deltas need at least {WIDTH} rows")
    yield np.hstack([window[-HALF:], np.repeat(last, HALF, axis=0)])


def _derivative_weights(order: int) -> np.ndarray:
    """Return the weights of nine rows that give the derivative of their fitted polynomial."""
    positions = np.arange(-HALF, HALF + 1)
    fit = np.linalg.pinv(np.vander(positions, order + 1, increasing=True))
    return np.asarray(fit[order] * math.factorial(order))
