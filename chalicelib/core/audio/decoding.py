"""Media files to blocks of samples at a requested rate."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np
import soxr

from chalicelib.core.audio.formats import recognise_container
from chalicelib.core.audio.source import BufferedSource
from chalicelib.core.audio.wav import WavReader, read_wav_header
from chalicelib.errors import MediaError

BLOCK_SAMPLES = 1 << 18
PAIRWISE_CHANNELS = 8
# Containers round durations and codecs add samples, so a smaller difference is no sign of a
# truncated file.
SLACK_S = 0.1


class Reader(Protocol):
    """A decoder for one kind of file, with libsndfile, with PyAV, or without a library."""

    decoder: tuple[str, str] | None
    container: str
    sample_rate_hz: int
    channels: int
    promised_frames: int | None
    damage: str | None
    ends_early: bool

    def blocks(self, n_frames: int) -> Iterator[np.ndarray]:
        """Yield integer or float32 blocks of shape (n, channels), in order."""


@dataclass(frozen=True, slots=True)
class Block:
    """Successive samples of a recording, float32 of shape (n,).

    ``at`` has the mix, or each channel, at each sampling rate; ``channels`` has every channel at
    the recording's own rate, if it was asked for.
    """

    at: dict[int, list[np.ndarray]]
    channels: list[np.ndarray]


class DecodedAudio:
    """An opened recording, to be decoded once.

    Memory does not grow with the length: the source is read in pieces of 1 MiB and decoded in
    blocks of at most 262,144 samples before and after resampling.

    Parameters
    ----------
    source : BinaryIO
        any seekable binary file object

    Raises
    ------
    MediaError
        if the file is empty, is not a recording, has no audio track, or cannot be decoded
    """

    def __init__(self, source: BinaryIO) -> None:
        buffered = BufferedSource(source)
        try:
            self._reader = _open_reader(buffered)
        except MediaError:
            # A failed read must not look like a file that is not a recording.
            buffered.raise_failure()
            raise
        self.decoder = self._reader.decoder
        self.container = self._reader.container
        self.sample_rate_hz = self._reader.sample_rate_hz
        self.channels = self._reader.channels
        self._n_frames = 0

    @property
    def promised_s(self) -> float | None:
        """Duration that the header gives, in seconds."""
        frames = self._reader.promised_frames
        return None if frames is None else frames / self.sample_rate_hz

    @property
    def duration_s(self) -> float:
        """Duration of the samples decoded so far, in seconds."""
        return self._n_frames / self.sample_rate_hz

    @property
    def remark(self) -> str | None:
        """Warning for the owner if only a part of the file was decoded, or None."""
        if self._reader.damage:
            return (
                f"The file is damaged after {self.duration_s:.1f} s: "
                f"only what comes before is measured ({self._reader.damage})."
            )
        if self.promised_s is not None and self.promised_s - self.duration_s > SLACK_S:
            return (
                f"The file ends early: its header promises {self.promised_s:.1f} s, "
                f"{self.duration_s:.1f} s are there."
            )
        if self._reader.ends_early:
            return f"The file ends early, after {self.duration_s:.1f} s: its end is missing."
        return None

    def blocks_at(
        self, rates: Sequence[int], *, each_channel: bool = False, apart: bool = False
    ) -> Iterator[Block]:
        """Decode once, for several sampling rates; see `blocks`.

        Parameters
        ----------
        rates : sequence of int > 0
            sampling rates in hertz
        each_channel : bool
            keep the channels separate instead of mixing them to one
        apart : bool
            give the channels at the recording's own rate, too

        Yields
        ------
        block : Block
            the samples of one stretch of the recording; resampled ones come some time later
        """
        n_signals = self.channels if each_channel else 1
        resamplers = {
            sr: [_Resampler(self.sample_rate_hz, sr) for _ in range(n_signals)] for sr in rates
        }
        none = [np.empty(0, np.float32)] * (self.channels if apart else 0)
        for block in self._reader.blocks(self._frames_in_a_block(max(rates))):
            channels = _split(block) if each_channel or apart else []
            signals = channels if each_channel else [_mix(block)]
            if block.dtype == np.float32 and not all(
                np.isfinite(y).all() for y in (*signals, *(channels if apart else ()))
            ):
                raise MediaError(
                    "The recording has samples that are not numbers (NaN or infinite) "
                    f"after {self.duration_s:.1f} s"
                )
            self._n_frames += len(block)
            yield Block(
                {
                    sr: [one.push(y) for one, y in zip(some, signals, strict=True)]
                    for sr, some in resamplers.items()
                },
                channels if apart else none,
            )
        if self._n_frames == 0:
            damage = f": {self._reader.damage}" if self._reader.damage else ""
            raise MediaError(f"The recording is empty: it has no samples{damage}")
        yield Block(
            {sr: [one.finish(self._n_frames) for one in some] for sr, some in resamplers.items()},
            none,
        )

    def blocks(self, sr: int | None, *, each_channel: bool = False) -> Iterator[list[np.ndarray]]:
        """Decode, mix, resample: block by block, with the samples that `librosa.load` gives.

        Parameters
        ----------
        sr : int > 0 or None
            sampling rate of the result in hertz; None keeps the recording's own
        each_channel : bool
            keep the channels separate instead of mixing them to one

        Returns
        -------
        blocks : iterator of list of np.ndarray [shape=(n,)]
            float32 samples of the mix, or of each channel; all of one length

        Raises
        ------
        MediaError
            if there are no samples, or samples that are not finite numbers
        """
        sr = sr or self.sample_rate_hz
        return (block.at[sr] for block in self.blocks_at([sr], each_channel=each_channel))

    def _frames_in_a_block(self, sr: int) -> int:
        samples_out = BLOCK_SAMPLES * self.sample_rate_hz // sr
        return max(1, min(BLOCK_SAMPLES // self.channels, samples_out))


def _open_reader(source: BufferedSource) -> Reader:
    # A plain WAV needs neither decoder; `WavReader` gives the cost of importing one.
    container = recognise_container(source)
    if container:
        from chalicelib.core.audio.containers import ContainerReader  # noqa: PLC0415  # as above

        return ContainerReader(source, container)
    header = read_wav_header(source)
    if header and header.is_plain:
        return WavReader(source, header)
    from chalicelib.core.audio.soundfiles import open_soundfile  # noqa: PLC0415  # as above

    return open_soundfile(source)


class _Resampler:
    """soxr at high quality, as in librosa, with librosa's output length."""

    def __init__(self, sr_from: int, sr_to: int) -> None:
        self._ratio = float(sr_to) / sr_from
        self._stream = None if sr_from == sr_to else soxr.ResampleStream(sr_from, sr_to, 1)
        self._n_out = 0

    def push(self, y: np.ndarray) -> np.ndarray:
        if self._stream is None:
            return y
        out: np.ndarray = self._stream.resample_chunk(y)
        self._n_out += len(out)
        return out

    def finish(self, n_in: int) -> np.ndarray:
        if self._stream is None:
            return np.empty(0, dtype=np.float32)
        out: np.ndarray = self._stream.resample_chunk(np.empty(0, dtype=np.float32), last=True)
        n_missing = math.ceil(n_in * self._ratio) - self._n_out
        return np.pad(out[:n_missing], (0, max(0, n_missing - len(out))))


def scale_of(dtype: np.dtype) -> np.float32:
    """Return the factor that brings samples of a type to [-1, 1]."""
    return np.float32(1.0 if dtype.kind == "f" else 2.0 ** (1 - 8 * dtype.itemsize))


def _split(block: np.ndarray) -> list[np.ndarray]:
    scale = scale_of(block.dtype)
    return [np.multiply(y, scale, dtype=np.float32) for y in block.T]


def _mix(block: np.ndarray) -> np.ndarray:
    """Average the channels with the same rounding as ``np.mean``, which librosa uses."""
    channels = block.shape[1]
    scale = scale_of(block.dtype)
    if channels == 1:
        return np.asarray(np.multiply(block[:, 0], scale, dtype=np.float32))
    if channels >= PAIRWISE_CHANNELS:
        return np.asarray(np.mean(np.multiply(block, scale, dtype=np.float32), axis=1))
    with np.errstate(over="ignore"):
        total: np.ndarray = np.add(block[:, 0], block[:, 1], dtype=np.float32)
        for channel in range(2, channels):
            np.add(total, block[:, channel], out=total, dtype=np.float32)
    total *= scale
    total /= np.float32(channels)
    return total
