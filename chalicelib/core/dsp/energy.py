"""Loudness and zero crossings, frame by frame, of a signal that arrives in blocks."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import numpy as np

from chalicelib.core.dsp.framing import Framer
from chalicelib.core.dsp.spill import SpilledRows

# A smaller magnitude counts as zero, and zero as positive.
ZERO = np.float32(1e-10)


class EnergyMeter(AbstractContextManager["EnergyMeter"]):
    """``librosa.feature.rms`` and ``zero_crossing_rate``, block by block, in bounded memory.

    Keeps 8 bytes for each frame, and spills them to disk beyond 4 MiB.

    Parameters
    ----------
    frame_length : int > 0
        samples in a frame
    hop_length : int > 0
        samples between successive frames

    Examples
    --------
    >>> with EnergyMeter(frame_length=4, hop_length=4) as meter:
    ...     meter.push(np.array([1, -1, 1, -1], np.float32))
    ...     meter.finish()
    ...     np.concatenate(list(meter.rows())).astype(float).round(3).tolist()
    [[0.707, 0.25], [0.707, 0.25]]
    """

    def __init__(self, *, frame_length: int, hop_length: int) -> None:
        self._frame_length = frame_length
        self._hop_length = hop_length
        self._framer = Framer(frame_length, hop_length)
        self._crossing_framer = Framer(frame_length, hop_length, dtype=np.bool_)
        self._was_negative: np.ndarray | None = None
        self._spilled = SpilledRows(2)

    def __exit__(self, *exception: object) -> None:
        self._spilled.close()

    @property
    def n_frames(self) -> int:
        """Number of complete frames."""
        return self._spilled.n_rows

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, of shape (n,), for any n."""
        crossings, n_frames = self._crossing_framer.complete(self._crossings(y))
        self._keep(self._framer.push(y), self._rates(crossings, n_frames))

    def finish(self) -> None:
        """Take the end of the signal; no samples may be pushed after it."""
        crossings, n_frames = self._crossing_framer.complete_last()
        self._keep(self._framer.finish(), self._rates(crossings, n_frames))

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the results, after the end of the signal.

        Yields
        ------
        energy : np.ndarray [shape=(n, 2)]
            float32: RMS in full scale, and the share of samples at which the sign changes
        """
        return self._spilled.rows()

    def _keep(self, frames: np.ndarray, rates: np.ndarray) -> None:
        power = np.einsum("ij,ij->i", frames, frames) / np.float32(self._frame_length)
        self._spilled.append(np.stack([np.sqrt(power), rates], axis=1))

    def _crossings(self, y: np.ndarray) -> np.ndarray:
        negative = y < -ZERO
        before = negative[:1] if self._was_negative is None else self._was_negative
        if len(y):
            self._was_negative = negative[-1:].copy()
        shifted = np.concatenate([before, negative[:-1]])[: len(y)]
        return np.asarray(negative != shifted)

    def _rates(self, crossings: np.ndarray, n_frames: int) -> np.ndarray:
        if n_frames == 0:
            return np.empty(0, dtype=np.float32)
        counts = np.cumsum(crossings, dtype=np.int32)
        first = np.arange(n_frames) * self._hop_length
        # The first sample of a frame has no sample before it in the frame.
        crossed = counts[first + self._frame_length - 1] - counts[first]
        return (crossed / self._frame_length).astype(np.float32)
