"""Frames at times that need not be whole numbers of samples apart, as Praat takes them."""

import numpy as np


class TimedFramer:
    """Frames around given times: the nearest samples on each side. Silence surrounds the signal.

    Frame ``i`` is around ``first_s + i * step_s`` seconds; sample ``k`` is at ``(k + 0.5) / sr``.
    There are frames up to the end of the signal.

    Parameters
    ----------
    n_half : int > 0
        samples on each side of the time
    sr : int > 0
        sampling rate in hertz
    step_s : float > 0
        seconds between frames
    first_s : float >= 0
        time of the first frame in seconds
    """

    def __init__(self, n_half: int, *, sr: int, step_s: float, first_s: float = 0.0) -> None:
        self._n_half = n_half
        self._sr = sr
        self._step_s, self._first_s = step_s, first_s
        self._rest = np.zeros(n_half)
        self._start = -n_half  # index of the sample at the start of the rest
        self._n_samples = self._n_frames = 0

    def push(self, y: np.ndarray) -> np.ndarray:
        """Take the next samples, and return the frames that they complete, (n, 2 * n_half)."""
        self._n_samples += len(y)
        return self._cut(y, self._n_samples)

    def finish(self) -> np.ndarray:
        """Return the last frames; no samples may be pushed after it."""
        last_s = self._n_samples / self._sr - self._first_s
        n_frames = max(0, 1 + int(np.floor(last_s / self._step_s + 1e-9)))
        frames = self._cut(np.zeros(2 * self._n_half + 1), self._n_samples + 2 * self._n_half + 1)
        return frames[: max(0, len(frames) - max(0, self._n_frames - n_frames))]

    def _cut(self, y: np.ndarray, n_samples: int) -> np.ndarray:
        signal = np.concatenate([self._rest, y])
        # More frames than are complete, so that rounding cannot leave out one of them.
        n_more = 2 + int(len(signal) / self._sr / self._step_s)
        times = self._first_s + np.arange(self._n_frames, self._n_frames + n_more) * self._step_s
        starts = np.floor(times * self._sr - 0.5).astype(np.int64) + 1 - self._n_half
        starts = starts[starts + 2 * self._n_half <= n_samples]
        self._n_frames += len(starts)
        following = self._first_s + self._n_frames * self._step_s
        n_used = int(np.floor(following * self._sr - 0.5)) + 1 - self._n_half - self._start
        n_used = min(max(0, n_used), len(signal))
        if not len(starts):
            frames = np.empty((0, 2 * self._n_half))
        else:
            windows = np.lib.stride_tricks.sliding_window_view(signal, 2 * self._n_half)
            frames = windows[starts - self._start]
        self._rest = signal[n_used:].copy()
        self._start += n_used
        return frames
