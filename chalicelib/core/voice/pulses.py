"""Glottal pulses of voiced stretches: Praat's ``Sound & Pitch: To PointProcess (cc)``.

The details are those of ``Pitch_to_PointProcess.cpp`` and of ``Sound_findMaximumCorrelation``.
"""

import numpy as np

from chalicelib.core.voice.periods import Stretch


class Sound:
    """Samples from a time on: sample ``k`` is at ``(first + k + 0.5) / sr`` seconds."""

    def __init__(self, samples: np.ndarray, first: int, sr: int) -> None:
        self.samples = samples
        self._first = first
        self._sr = sr

    def index(self, time_s: float) -> float:
        """Return where a time lies among the samples."""
        return time_s * self._sr - 0.5 - self._first

    def time(self, index: float) -> float:
        """Return the time of a place among the samples."""
        return (index + 0.5 + self._first) / self._sr

    def between(self, start: int, end: int) -> np.ndarray:
        """Return samples from ``start`` up to ``end``, with silence beyond both ends."""
        if start >= 0 and end <= len(self.samples):
            return self.samples[start:end]
        left, right = max(0, -start), max(0, end - len(self.samples))
        return np.pad(self.samples[max(0, start) : max(0, end)], (left, right))[: end - start]


def find_pulses(sound: Sound, stretch: Stretch, loudest: float) -> list[float]:
    """Return the times of the pulses of a stretch, ascending, in seconds.

    Parameters
    ----------
    sound : Sound
        the samples of the stretch, and 20 ms on each side
    stretch : Stretch
        where it is voiced, and f0
    loudest : float
        largest magnitude of the recording so far
    """
    middle = (stretch.start_s + stretch.end_s) / 2
    f0 = stretch.f0_at(middle)
    if f0 is None:
        return []
    start = _extremum(sound, middle - 0.5 / f0, middle + 0.5 / f0)
    left = _walk(sound, stretch, start, loudest, -1)
    right = _walk(sound, stretch, start, loudest, 1)
    return [*reversed(left), start, *right]


def _walk(
    sound: Sound, stretch: Stretch, time_s: float, loudest: float, direction: int
) -> list[float]:
    found: list[float] = []
    while (f0 := stretch.f0_at(time_s)) is not None:
        near, far = (time_s + direction * part / f0 for part in (0.8, 1.25))
        low, high = min(near, far), max(near, far)
        correlation, after, peak = _most_alike(sound, time_s, 1 / f0, low, high)
        time_s = time_s + direction / f0 if correlation == -1 else after
        if not stretch.start_s <= time_s <= stretch.end_s:
            if correlation > 0.7 and peak > 0.023333 * loudest:  # noqa: PLR2004  # Praat's
                found.append(time_s)
            break
        if correlation > 0.3 and (peak == 0 or peak > 0.01 * loudest):  # noqa: PLR2004  # Praat's
            found.append(time_s)
    return found


def _most_alike(
    sound: Sound, time_s: float, width_s: float, low_s: float, high_s: float
) -> tuple[float, float, float]:
    """Return the correlation with the most similar window, its time, and its peak."""
    half = 0.5 * width_s
    start, end = (round(sound.index(time_s + side * half)) for side in (-1, 1))
    first = int(np.floor(sound.index(low_s - half)))
    last = int(np.ceil(sound.index(high_s - half)))
    n = end - start + 1
    if n < 1 or last - first < 2:  # noqa: PLR2004  # a maximum has two neighbours
        return -1.0, time_s, 0.0
    here = sound.between(start, end + 1)
    others = sound.between(first, last + n)
    products = np.correlate(others, here, "valid")
    squares = np.cumsum(np.concatenate([[0.0], others**2]))
    norms = np.sqrt(np.maximum((squares[n:] - squares[:-n]) * (here @ here), 0))
    r = np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)
    inner = r[1:-1]
    is_peak = (inner >= r[:-2]) & (inner >= r[2:])
    if not is_peak.any():
        return -1.0, time_s, 0.0
    at = 1 + int(np.where(is_peak, inner, -2).argmax())
    before, best, after = r[at - 1 : at + 2]
    peak = float(np.abs(others[at : at + n]).max())
    curvature = 2 * best - before - after
    place = first + at - start
    if curvature:
        rise = 0.5 * (after - before)
        best += 0.5 * rise**2 / curvature
        place += rise / curvature
    return float(best), sound.time(sound.index(time_s) + place), peak


def _extremum(sound: Sound, start_s: float, end_s: float) -> float:
    """Return the time of the largest magnitude, between samples."""
    first, last = round(sound.index(start_s)), round(sound.index(end_s))
    y = sound.between(first - 1, last + 2)
    at = 1 + int(np.abs(y[1:-1]).argmax())
    before, peak, after = (abs(v) if abs(y[at]) == y[at] else -v for v in y[at - 1 : at + 2])
    curvature = 2 * peak - before - after
    shift = 0.5 * (after - before) / curvature if curvature > 0 else 0.0
    return sound.time(first - 1 + at + min(max(shift, -1.0), 1.0))


def amplitudes(sound: Sound, pulses: np.ndarray, is_period: np.ndarray) -> np.ndarray:
    """Return the amplitude at each inner pulse that has a period on both sides, or NaN.

    It is the root mean square under a raised cosine of a fifth of a period on each side.

    Parameters
    ----------
    sound : Sound
        the samples around the pulses
    pulses : np.ndarray [shape=(n,)]
        times in seconds
    is_period : np.ndarray [shape=(n,)]
        whether there is a period on both sides
    """
    found = np.full(len(pulses), np.nan)
    for i in np.flatnonzero(is_period):
        before, after = 0.2 * (pulses[i] - pulses[i - 1]), 0.2 * (pulses[i + 1] - pulses[i])
        first = int(np.ceil(sound.index(pulses[i] - before)))
        last = int(np.floor(sound.index(pulses[i] + after)))
        if last - first < 2:  # noqa: PLR2004  # Praat wants three samples
            continue
        times = sound.time(0) + np.arange(first, last + 1) * (sound.time(1) - sound.time(0))
        distances = times - pulses[i]
        widths = np.where(distances < 0, before, after)
        weights = 0.5 + 0.5 * np.cos(np.pi * distances / widths)
        level = sound.between(first, last + 1) * weights
        rms = np.sqrt((level**2).sum() / (weights**2).sum())
        if rms > 0:
            found[i] = rms
    return found
