"""Functionals of an f0 contour: percentiles in hertz and in semitones, spread and slope."""

import math
from dataclasses import dataclass

import numpy as np

SEMITONE_0_HZ = 27.5
"""The frequency of semitone 0, the lowest A of a piano, as in openSMILE's eGeMAPS."""

PERCENTILES = (5, 20, 80, 95)
"""The percentiles in addition to the median."""


@dataclass(frozen=True, slots=True)
class Contour:
    """Functionals of the voiced frames of a part; None where there are too few of them.

    Attributes
    ----------
    median_hz, min_hz, max_hz : float or None
        in hertz
    percentiles_hz, percentiles_st : tuple of float or None
        the 5th, 20th, 80th and 95th, in hertz and in semitones above 27.5 Hz, by linear
        interpolation
    median_st, std_st : float or None
        median and population's deviation in semitones
    slope_st_s : float or None
        least-squares slope in semitones a second, over two voiced frames or more
    """

    median_hz: float | None = None
    min_hz: float | None = None
    max_hz: float | None = None
    percentiles_hz: tuple[float | None, ...] = (None,) * len(PERCENTILES)
    median_st: float | None = None
    percentiles_st: tuple[float | None, ...] = (None,) * len(PERCENTILES)
    std_st: float | None = None
    slope_st_s: float | None = None

    def columns(self) -> dict[str, float | None]:
        """Return the functionals except median, lowest and highest, by their columns' names."""
        names = [f"f0_p{p:02}" for p in PERCENTILES]
        return {
            **{f"{name}_hz": x for name, x in zip(names, self.percentiles_hz, strict=True)},
            "f0_median_st": self.median_st,
            **{f"{name}_st": x for name, x in zip(names, self.percentiles_st, strict=True)},
            "f0_std_st": self.std_st,
            "f0_slope_st_s": self.slope_st_s,
        }


NO_CONTOUR = Contour()


def measure_contour(times: np.ndarray, f0: np.ndarray) -> Contour:
    """Return the functionals of voiced frames.

    Parameters
    ----------
    times : np.ndarray [shape=(n,)]
        centres of the voiced frames in seconds
    f0 : np.ndarray [shape=(n,)]
        their fundamental frequency in hertz

    Returns
    -------
    contour : Contour
        without a slope if there is one frame only, and empty if there is none
    """
    if not f0.size:
        return NO_CONTOUR
    # One logarithm, and plain floats after it: a recording has tens of thousands of words of a few
    # frames each, for which np.percentile and np.std take longer than all the rest.
    st = semitones(f0)
    hz, ascending = np.sort(f0).tolist(), np.sort(st).tolist()
    since, steps = times - times.sum() / times.size, st - st.sum() / st.size
    spread = float(since @ since)
    return Contour(
        median_hz=_median(hz),
        min_hz=hz[0],
        max_hz=hz[-1],
        percentiles_hz=_percentiles(hz),
        median_st=_median(ascending),
        percentiles_st=_percentiles(ascending),
        std_st=math.sqrt(float(steps @ steps) / st.size),
        slope_st_s=float(since @ steps) / spread if spread > 0 else None,
    )


def semitones(f0: np.ndarray) -> np.ndarray:
    """Return frequencies in hertz as semitones above 27.5 Hz."""
    return np.asarray(12.0 * np.log2(f0 / SEMITONE_0_HZ))


def _median(ascending: list[float]) -> float:
    n = len(ascending)
    return (ascending[(n - 1) // 2] + ascending[n // 2]) / 2


def _percentiles(ascending: list[float]) -> tuple[float, ...]:
    found = []
    last = len(ascending) - 1
    for percentile in PERCENTILES:
        below, part = divmod(percentile * last, 100)
        low = ascending[below]
        found.append(low + (ascending[min(below + 1, last)] - low) * part / 100)
    return tuple(found)
