"""Voiced stretches of a signal and f0 in them: Praat's ``To Pitch (ac)``, for a stream.

Boersma (1993). Praat looks for the best path through the whole recording; here the path is decided
half a second later, and the loudness of a frame is relative to the loudest so far.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chalicelib.core.voice.framing import TimedFramer

SILENCE_THRESHOLD, VOICING_THRESHOLD = 0.03, 0.45
OCTAVE_COST, OCTAVE_JUMP_COST, VOICING_COST = 0.01, 0.35, 0.14
PERIODS_PER_WINDOW = 3
N_CANDIDATES = 6
FRAMES_AT_ONCE = 64
DECIDE_EVERY = 50
LONGEST_FRAMES = 1000
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Stretch:
    """Successive voiced frames: the time of the first in seconds, the step, and f0 in hertz."""

    first_s: float
    step_s: float
    f0: np.ndarray

    @property
    def start_s(self) -> float:
        """Half a step before the first frame."""
        return self.first_s - self.step_s / 2

    @property
    def end_s(self) -> float:
        """Half a step after the last frame."""
        return self.first_s + (len(self.f0) - 0.5) * self.step_s

    def f0_at(self, time_s: float) -> float | None:
        """Return f0 between two frames, or None outside of the stretch."""
        if not self.start_s <= time_s <= self.end_s:
            return None
        position = (time_s - self.first_s) / self.step_s
        position = min(max(position, 0.0), len(self.f0) - 1.0)
        left = min(int(position), len(self.f0) - 2) if len(self.f0) > 1 else 0
        right = min(left + 1, len(self.f0) - 1)
        return float(self.f0[left] + (position - left) * (self.f0[right] - self.f0[left]))


class StretchFinder:
    """Voiced stretches of a signal that arrives in blocks, at most ten seconds long.

    Parameters
    ----------
    sr : int > 0
        sampling rate in hertz
    lowest_hz, highest_hz : float > 0
        range of pitch
    """

    def __init__(self, *, sr: int, lowest_hz: float, highest_hz: float) -> None:
        self._sr = sr
        self._lowest, self._highest = lowest_hz, highest_hz
        self.step_s = 0.75 / lowest_hz
        self._n_period = int(sr / lowest_hz)
        half_window = int(PERIODS_PER_WINDOW / lowest_hz * sr) // 2 - 1
        self._half_window = half_window
        n = 2 * half_window
        self._framer = TimedFramer(max(half_window, self._n_period), sr=sr, step_s=self.step_s)
        self._window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, n + 1) / (n + 1))
        self._n_fft = 1 << (3 * n // 2).bit_length()
        self._n_lags = min(n // PERIODS_PER_WINDOW + 2, n)
        spectrum = np.abs(np.fft.rfft(self._window, self._n_fft)) ** 2
        self._of_window = np.fft.irfft(spectrum)[: self._n_lags + 1]
        self._of_window /= self._of_window[0]
        self._loudest = 0.0
        self._scores = np.zeros(1)
        self._candidates: list[np.ndarray] = []
        self._origins: list[np.ndarray] = []
        self._n_decided = 0
        self._voiced: list[float] = []

    @property
    def decided_s(self) -> float:
        """Time before which all stretches are known; an open stretch begins here or later."""
        return (self._n_decided - len(self._voiced) - 0.5) * self.step_s

    def push(self, y: np.ndarray) -> Iterator[Stretch]:
        """Take the next samples, and yield the stretches that have ended."""
        yield from self._follow(self._framer.push(y.astype(np.float64)))

    def finish(self) -> Iterator[Stretch]:
        """Yield the last stretches."""
        yield from self._follow(self._framer.finish())
        yield from self._decide(len(self._candidates))
        yield from self._end()

    def _follow(self, frames: np.ndarray) -> Iterator[Stretch]:
        for first in range(0, len(frames), FRAMES_AT_ONCE):
            for frequencies, strengths in zip(
                *self._measure(frames[first : first + FRAMES_AT_ONCE]), strict=True
            ):
                self._extend(frequencies, strengths)
                if len(self._candidates) == 2 * DECIDE_EVERY:
                    yield from self._decide(DECIDE_EVERY)

    def _measure(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return candidates of frames, the first unvoiced (0 Hz), and how strong they are."""
        middle = frames.shape[1] // 2
        near = frames[:, middle - self._n_period : middle + self._n_period]
        windowed = frames[:, middle - self._half_window : middle + self._half_window]
        windowed = (windowed - near.mean(axis=1, keepdims=True)) * self._window
        half_period = self._n_period // 2 + 1
        inner = windowed[:, max(0, self._half_window - half_period) :][:, : 2 * half_period]
        peaks = np.abs(inner).max(axis=1)
        spectrum = np.abs(np.fft.rfft(windowed, self._n_fft)) ** 2
        r = np.fft.irfft(spectrum, self._n_fft)[:, : self._n_lags + 1]
        total = r[:, :1]
        r = np.divide(r, total, out=np.zeros_like(r), where=total > TINY) / self._of_window
        before, at, after = r[:, 1:-2], r[:, 2:-1], r[:, 3:]
        is_peak = (at > 0.5 * VOICING_THRESHOLD) & (at > before) & (at >= after)
        curvature = 2 * at - before - after
        rise = 0.5 * (after - before)
        shift = np.divide(rise, curvature, out=np.zeros_like(at), where=is_peak)
        strengths = at + 0.5 * rise * shift
        strengths = np.where(strengths > 1, 1 / np.maximum(strengths, 1), strengths)
        frequencies = self._sr / (np.arange(2, 2 + at.shape[1]) + shift)
        is_peak &= frequencies < self._highest
        strengths = np.where(
            is_peak, strengths - OCTAVE_COST * np.log2(self._highest / frequencies), -np.inf
        )
        best = np.argsort(-strengths, axis=1, kind="stable")[:, :N_CANDIDATES]
        loudest = np.maximum.accumulate(np.concatenate([[self._loudest], peaks]))[1:]
        self._loudest = float(loudest[-1])
        intensity = np.divide(peaks, loudest, out=np.zeros_like(peaks), where=loudest > 0)
        unvoiced = VOICING_THRESHOLD + np.maximum(
            0, 2 - intensity * (1 + VOICING_THRESHOLD) / SILENCE_THRESHOLD
        )
        return (
            np.column_stack([np.zeros(len(r)), np.take_along_axis(frequencies, best, axis=1)]),
            np.column_stack([unvoiced, np.take_along_axis(strengths, best, axis=1)]),
        )

    def _extend(self, frequencies: np.ndarray, strengths: np.ndarray) -> None:
        correction = 0.01 / self.step_s
        if self._candidates:
            before = self._candidates[-1]
            was, now = before[:, np.newaxis] > 0, frequencies > 0
            octaves = np.abs(
                np.log2(np.where(was, before[:, np.newaxis], 1))
                - np.log2(np.where(now, frequencies, 1))
            )
            costs = np.where(was & now, OCTAVE_JUMP_COST * octaves, VOICING_COST * (was != now))
            totals = self._scores[:, np.newaxis] - correction * costs
            origins = totals.argmax(axis=0)
            self._scores = totals[origins, np.arange(len(frequencies))] + strengths
        else:
            origins = np.zeros(len(frequencies), dtype=np.int64)
            self._scores = strengths.copy()
        self._scores -= self._scores.max()
        self._candidates.append(frequencies)
        self._origins.append(origins)

    def _decide(self, n: int) -> Iterator[Stretch]:
        """Follow the best path back, and decide the first frames of those that are kept."""
        if not self._candidates:
            return
        place = int(self._scores.argmax())
        path = []
        for frequencies, origins in zip(
            reversed(self._candidates), reversed(self._origins), strict=True
        ):
            path.append(float(frequencies[place]))
            place = int(origins[place])
        self._candidates, self._origins = self._candidates[n:], self._origins[n:]
        for f0 in path[::-1][:n]:
            self._n_decided += 1
            if f0 > 0:
                self._voiced.append(f0)
            if not f0 or len(self._voiced) == LONGEST_FRAMES:
                yield from self._end(int(not f0))

    def _end(self, n_after: int = 0) -> Iterator[Stretch]:
        if self._voiced:
            first = self._n_decided - n_after - len(self._voiced)
            yield Stretch(first * self.step_s, self.step_s, np.array(self._voiced))
        self._voiced = []
