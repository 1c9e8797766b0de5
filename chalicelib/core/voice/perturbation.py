"""Jitter and shimmer of pulses, by Praat's definitions (``VoiceAnalysis.cpp``).

A period is from 0.1 to 20 ms long, and at most 1.3 times as long as its neighbour; amplitudes
differ by a factor of 1.6 at most.
"""

import numpy as np

SHORTEST_S, LONGEST_S = 0.0001, 0.02
MOST_PERIOD_FACTOR, MOST_AMPLITUDE_FACTOR = 1.3, 1.6
NAMES = (
    *("jitter_local", "jitter_rap", "jitter_ppq5"),
    *("shimmer_local", "shimmer_apq3", "shimmer_apq5"),
)
NEIGHBOURS = (2, 3, 5)
N_SUMS = 8  # of the six measures, then of periods and of amplitudes


def has_periods(pulses: np.ndarray) -> np.ndarray:
    """Return for each pulse whether there is a period on both sides, and both are alike."""
    found = np.zeros(len(pulses), bool)
    periods = np.diff(pulses)
    found[1:-1] = ~np.isnan(_deviations(periods, 2, MOST_PERIOD_FACTOR, lengths=periods))
    return found


def sums_within(
    pulses: np.ndarray, amplitudes: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return sums and counts over ranges of pulses, from which jitter and shimmer are computed.

    Parameters
    ----------
    pulses, amplitudes : np.ndarray [shape=(n,)]
        times in seconds; amplitudes, NaN where there are no two periods
    first, last : np.ndarray [shape=(n_ranges,)]
        each range is the pulses from ``first`` up to ``last``

    Returns
    -------
    sums, counts : np.ndarray [shape=(n_ranges, 8)]
        of the six measures by `NAMES`, of the periods and of the amplitudes
    """
    periods = np.diff(pulses)
    (heard,) = np.nonzero(~np.isnan(amplitudes))
    levels, lengths = amplitudes[heard], np.diff(pulses[heard])
    # The first and the last pulse of a range have a period on one side alone.
    first_level, last_level = np.searchsorted(heard, [first + 1, last - 1])
    parts = [
        *(
            (_deviations(periods, n, MOST_PERIOD_FACTOR, lengths=periods), first, last - n)
            for n in NEIGHBOURS
        ),
        *(
            (
                _deviations(levels, n, MOST_AMPLITUDE_FACTOR, lengths=lengths),
                first_level,
                last_level - n + 1,
            )
            for n in NEIGHBOURS
        ),
        (np.where(_are_periods(periods), periods, np.nan), first, last - 1),
        (levels, first_level, last_level - 1),
    ]
    found = np.empty((2, len(first), N_SUMS))
    for i, (values, start, end) in enumerate(parts):
        known = ~np.isnan(values)
        left, right = (np.clip(edge, 0, len(values)) for edge in (start, end))
        for kind, numbers in enumerate((np.where(known, values, 0), known)):
            running = np.concatenate([[0.0], np.cumsum(numbers)])
            found[kind, :, i] = running[np.maximum(left, right)] - running[left]
    return found[0], found[1]


def measures(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the measures by `NAMES`, as shares, (…, 6); NaN where there are too few periods."""
    means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    jitter, shimmer = means[..., :3] / means[..., 6:7], means[..., 3:6] / means[..., 7:8]
    return np.concatenate([jitter, shimmer], axis=-1)


def _deviations(values: np.ndarray, n: int, factor: float, *, lengths: np.ndarray) -> np.ndarray:
    """Return how far the middle of each ``n`` neighbours is from their mean; for two, their gap.

    The shape is (len(values) - n + 1,). A number is NaN where the neighbours are not alike, or
    where their ``lengths`` are not those of periods.
    """
    if len(values) < n:
        return np.empty(0)
    ratios = values[1:] / values[:-1]
    alike = np.maximum(ratios, 1 / ratios) <= factor
    within = (lengths >= SHORTEST_S) & (lengths <= LONGEST_S)
    n_lengths = n if len(lengths) == len(values) else n - 1
    views = np.lib.stride_tricks.sliding_window_view
    valid = views(alike, n - 1).all(axis=1) & views(within, n_lengths).all(axis=1)
    windows = views(values, n)
    if n == 2:  # noqa: PLR2004  # the local measures
        gaps = np.abs(windows[:, 1] - windows[:, 0])
    else:
        gaps = np.abs(windows[:, n // 2] - windows.mean(axis=1))
    return np.where(valid, gaps, np.nan)


def _are_periods(periods: np.ndarray) -> np.ndarray:
    """Return which intervals are periods: within bounds, and similar to at least one neighbour."""
    within = (periods >= SHORTEST_S) & (periods <= LONGEST_S)
    if len(periods) < 2:  # noqa: PLR2004  # without a neighbour to compare
        return within
    ratios = periods[1:] / periods[:-1]
    alike = np.maximum(ratios, 1 / ratios) <= MOST_PERIOD_FACTOR
    before = np.concatenate([[False], alike])
    after = np.concatenate([alike, [False]])
    return np.asarray(within & (before | after))
