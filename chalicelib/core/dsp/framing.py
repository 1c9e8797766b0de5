"""Overlapping, centred frames of a signal that arrives in blocks."""

import numpy as np


class Framer:
    """Frames as librosa centres them: frame ``i`` is around sample ``i * hop_length``.

    The signal is padded with zeros by half a frame at both ends. Less than one frame is in memory
    between two blocks, and the result does not depend on the size of the blocks.

    Parameters
    ----------
    frame_length : int > 0
        samples in a frame
    hop_length : int > 0
        samples between successive frames
    dtype : np.dtype
        type of the samples

    Examples
    --------
    >>> framer = Framer(4, 2)
    >>> framer.push(np.array([1, 2, 3], np.float32)).tolist()
    [[0.0, 0.0, 1.0, 2.0]]
    >>> framer.push(np.array([4], np.float32)).tolist()
    [[1.0, 2.0, 3.0, 4.0]]
    >>> framer.finish().tolist()
    [[3.0, 4.0, 0.0, 0.0]]
    """

    def __init__(
        self, frame_length: int, hop_length: int, *, dtype: np.typing.DTypeLike = np.float32
    ) -> None:
        self._frame_length = frame_length
        self._hop_length = hop_length
        self._padding: np.ndarray = np.zeros(frame_length // 2, dtype=dtype)
        self._rest = self._padding
        self._n_skipped = 0

    def pad(self, padding: np.ndarray) -> None:
        """Replace the zeros before the first sample, half a frame; no sample was pushed yet."""
        self._rest = padding

    def push(self, x: np.ndarray) -> np.ndarray:
        """Add samples and return the frames that they complete.

        Parameters
        ----------
        x : np.ndarray [shape=(n,)]
            the next samples, for any n

        Returns
        -------
        frames : np.ndarray [shape=(n_frames, frame_length)]
            a read-only view, in which frames overlap
        """
        return self._frames(*self.complete(x))

    def finish(self) -> np.ndarray:
        """Pad the end and return the last frames; no samples may be pushed after it."""
        return self._frames(*self.complete_last())

    def complete(self, x: np.ndarray) -> tuple[np.ndarray, int]:
        """Add samples, as `push` does, and return the signal instead of its frames.

        Returns
        -------
        signal : np.ndarray [shape=(n,)]
            samples from the start of the first frame that ``x`` completes
        n_frames : int
            number of whole frames in it, ``hop_length`` apart
        """
        n_skipped = min(self._n_skipped, len(x))
        self._n_skipped -= n_skipped
        signal = np.concatenate([self._rest, x[n_skipped:]])
        n_frames = max(0, 1 + (len(signal) - self._frame_length) // self._hop_length)
        start = n_frames * self._hop_length
        self._rest = signal[start:].copy()
        self._n_skipped += max(0, start - len(signal))
        return signal, n_frames

    def complete_last(self) -> tuple[np.ndarray, int]:
        """Pad the end, as `finish` does, and return the signal instead of its frames."""
        return self.complete(self._padding)

    def _frames(self, signal: np.ndarray, n_frames: int) -> np.ndarray:
        if n_frames == 0:
            return np.empty((0, self._frame_length), dtype=signal.dtype)
        windows = np.lib.stride_tricks.sliding_window_view(signal, self._frame_length)
        return windows[: n_frames * self._hop_length : self._hop_length]
