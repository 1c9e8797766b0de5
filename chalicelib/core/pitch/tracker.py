"""Mono samples in blocks to pitch, frame by frame: pYIN, equal to ``librosa.pyin``."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.core.pitch.compiled_yin import make_difference, make_finder
from chalicelib.core.pitch.parameters import PitchParameters
from chalicelib.core.pitch.viterbi import Decoder
from chalicelib.errors import MediaError

# Enough frames to share the cost of a call, few enough for the processor's cache.
BATCH_FRAMES = 32


@dataclass(frozen=True, slots=True)
class PitchFrames:
    """Successive frames of a pitch track.

    Attributes
    ----------
    f0 : np.ndarray [shape=(n_frames,)]
        fundamental frequency in hertz, NaN where the frame is unvoiced
    voiced_flag : np.ndarray [shape=(n_frames,)]
        whether each frame is voiced
    voiced_prob : np.ndarray [shape=(n_frames,)]
        probability that each frame is voiced
    """

    f0: NDArray[np.float64]
    voiced_flag: NDArray[np.bool_]
    voiced_prob: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.f0)


class PitchTracker:
    """Track the pitch of one channel, given in blocks of any length.

    The frames equal those of ``librosa.pyin`` on the whole signal, for blocks of any size.
    A frame is returned when no later sample can change it, usually after some seconds.

    Parameters
    ----------
    sr : float > 0
        sampling rate in hertz
    **options : Any
        the other fields of ``PitchParameters``

    Raises
    ------
    ParameterError
        if a parameter has an unusable value

    Examples
    --------
    >>> tracker = PitchTracker(sr=22_050)
    >>> y = np.sin(2 * np.pi * 220 * np.arange(22_050) / 22_050)
    >>> frames = joined([*(tracker.push(block) for block in np.split(y, 9)), tracker.finish()])
    >>> len(frames)
    44
    """

    def __init__(self, *, sr: float, **options: Any) -> None:
        self._parameters = PitchParameters(sr=sr, **options)
        self._find_candidates = make_finder(self._parameters)
        self._decoder = Decoder(self._parameters)
        n_bins = self._parameters.n_pitch_bins
        steps = np.arange(n_bins) / (12 * self._parameters.bins_per_semitone)
        # One more value for unvoiced, which is found at index -1.
        self._freqs = np.append(self._parameters.fmin * 2**steps, np.nan)
        self._framer: _Framer | None = None

    def push(self, y: NDArray[np.floating]) -> PitchFrames:
        """Take samples, and return the frames that are decided.

        Parameters
        ----------
        y : np.ndarray [shape=(n,)]
            mono samples, ``float32`` or ``float64``, of one precision in all blocks

        Returns
        -------
        frames : PitchFrames
            the next frames; often none

        Raises
        ------
        ValueError
            if ``y`` has another shape or precision
        MediaError
            if a sample is not a finite number
        """
        if y.ndim != 1:
            raise ValueError(f"samples of shape {y.shape} are not one channel")
        if self._framer is None:
            self._framer = _Framer(self._parameters, y.dtype)
        if y.dtype != self._framer.dtype:
            raise ValueError(f"samples are {y.dtype}, and were {self._framer.dtype}")
        if not np.isfinite(y).all():
            raise MediaError("The recording holds samples that are not finite numbers.")
        return self._decode(self._framer.push(y))

    def finish(self) -> PitchFrames:
        """Return the frames that are left. No more samples can be given.

        Returns
        -------
        frames : PitchFrames
            the last frames

        Raises
        ------
        MediaError
            if the recording has no whole frame, which can happen only with ``center=False``
        """
        if self._framer is None:
            self._framer = _Framer(self._parameters, np.dtype(np.float32))
        left = self._decode(self._framer.finish())
        if not self._framer.n_frames:
            raise MediaError("The recording is shorter than one frame.")
        return joined([left, self._frames(*self._decoder.finish())])

    def _decode(self, batches: Iterator[NDArray[np.float64]]) -> PitchFrames:
        return joined(
            [self._frames(*self._decoder.push(self._find_candidates(yin))) for yin in batches]
        )

    def _frames(self, pitches: NDArray[np.int16], voiced_prob: NDArray[np.float64]) -> PitchFrames:
        return PitchFrames(self._freqs[pitches], pitches >= 0, voiced_prob)


class _Framer:
    """Cut blocks into frames, and give their difference functions in batches."""

    def __init__(self, parameters: PitchParameters, dtype: np.dtype[Any]) -> None:
        if dtype not in (np.float32, np.float64):
            raise ValueError(f"samples are {dtype}, not float32 or float64")
        self.dtype = dtype
        self.n_frames = 0
        self._length = parameters.frame_length
        self._hop = parameters.hop_length
        self._difference = make_difference(parameters, dtype=dtype, n_frames=BATCH_FRAMES)
        self._pad = parameters.frame_length // 2 if parameters.center else 0
        self._buffer = np.zeros(
            (BATCH_FRAMES - 1) * self._hop + max(self._length, self._hop), dtype
        )
        self._held = self._pad

    def push(self, y: NDArray[np.floating]) -> Iterator[NDArray[np.float64]]:
        taken = 0
        while taken < len(y):
            n = min(len(y) - taken, len(self._buffer) - self._held)
            self._buffer[self._held : self._held + n] = y[taken : taken + n]
            self._held += n
            taken += n
            if self._held == len(self._buffer):
                yield self._cut(BATCH_FRAMES)

    def finish(self) -> Iterator[NDArray[np.float64]]:
        yield from self.push(np.zeros(self._pad, self.dtype))
        if self._held >= self._length:
            yield self._cut((self._held - self._length) // self._hop + 1)

    def _cut(self, n_frames: int) -> NDArray[np.float64]:
        frames = np.lib.stride_tricks.sliding_window_view(self._buffer, self._length)
        with np.errstate(all="ignore"):  # samples beyond 1e19 overflow, in librosa too
            yin = self._difference(frames[:: self._hop][:n_frames])
        rest = self._buffer[n_frames * self._hop : self._held].copy()
        self._buffer[: len(rest)] = rest
        self._held = len(rest)
        self.n_frames += n_frames
        return yin


def track_pitch(y: NDArray[np.floating], *, sr: float, **options: Any) -> PitchFrames:
    """Track the pitch of a whole signal that is in memory.

    For notebooks and scripts, in place of ``librosa.pyin``. Earshot itself streams, with
    `PitchTracker`.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        mono samples, ``float32`` or ``float64``
    sr : float > 0
        sampling rate in hertz
    **options : Any
        the other fields of ``PitchParameters``

    Returns
    -------
    frames : PitchFrames
        all frames

    Examples
    --------
    >>> t = np.arange(22_050) / 22_050
    >>> frames = track_pitch(np.sin(2 * np.pi * 220 * t), sr=22_050)
    >>> len(frames)
    44
    >>> float(np.median(frames.f0[frames.voiced_flag]).round())
    220.0

    Raises
    ------
    ParameterError
        if a parameter has an unusable value
    ValueError
        if ``y`` has another shape or precision
    MediaError
        if a sample is not a finite number
    """
    tracker = PitchTracker(sr=sr, **options)
    return joined([tracker.push(y), tracker.finish()])


def joined(runs: list[PitchFrames]) -> PitchFrames:
    """Return successive runs of frames as one.

    Parameters
    ----------
    runs : list of PitchFrames
        in time order

    Returns
    -------
    frames : PitchFrames
        their frames, in the same order
    """
    return PitchFrames(
        np.concatenate([np.empty(0), *(run.f0 for run in runs)]),
        np.concatenate([np.empty(0, np.bool_), *(run.voiced_flag for run in runs)]),
        np.concatenate([np.empty(0), *(run.voiced_prob for run in runs)]),
    )
