"""A part of a recording as a WAV file."""

import wave
from functools import partial
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from chalicelib.core.audio.decoding import scale_of
from chalicelib.core.audio.formats import recognise_container
from chalicelib.core.audio.source import BufferedSource
from chalicelib.errors import MediaError

FULL_SCALE = 1 << 15
BLOCK_FRAMES = 1 << 14
LARGEST_BYTES = 100_000_000
"""Most bytes of a clip: nine minutes of stereo at 48 kHz. They are in memory until written."""


def read_clip(source: BinaryIO, start_s: float, end_s: float) -> tuple[np.ndarray, int]:
    """Read a part of a recording; if the format allows, nothing before the part is decoded.

    Parameters
    ----------
    source : BinaryIO
        a recording in any format, at any position
    start_s, end_s : float
        the part, in seconds; it ends with the recording if that is shorter

    Returns
    -------
    y, sr : np.ndarray [shape=(n, channels)], int
        16-bit samples, those of the file if it has 16 bits, and their rate in hertz

    Raises
    ------
    MediaError
        if the file cannot be read, or the clip would be too large or empty
    """
    buffered = BufferedSource(source)
    try:
        container = recognise_container(buffered)
        read = partial(_read_container, container=container) if container else _read_soundfile
        y, sr = read(buffered, start_s, end_s)
    finally:
        buffered.raise_failure()
    if not len(y):
        raise MediaError(f"The recording has nothing after {start_s:.2f} s.")
    return y, sr


class _Steps:
    """16-bit samples of a part, taken block by block, so that they are in memory once."""

    def __init__(self, n_frames: int, channels: int) -> None:
        if n_frames * channels * 2 > LARGEST_BYTES:
            raise MediaError(f"A clip may have {LARGEST_BYTES // 10**6} MB. Take a shorter one.")
        self._y = np.empty((n_frames, channels), "<i2")
        self._n = 0

    def add(self, block: np.ndarray) -> None:
        """Take samples in [-1, 1] of shape (n, channels), as many as there is room for."""
        n = min(len(block), len(self._y) - self._n)
        steps = np.clip(np.rint(block[:n] * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
        self._y[self._n : self._n + n] = steps
        self._n += n

    @property
    def taken(self) -> np.ndarray:
        """The samples so far: a file may end before the length in its header."""
        return self._y[: self._n]


def _read_soundfile(source: BufferedSource, start_s: float, end_s: float) -> tuple[np.ndarray, int]:
    source.seek(0)
    try:
        with soundfile.SoundFile(source) as file:
            sr: int = file.samplerate
            first = round(start_s * sr)
            n_frames = max(0, min(round(end_s * sr), file.frames) - first)
            steps = _Steps(n_frames, file.channels)
            if n_frames:
                file.seek(first)
            while n_frames > 0:
                n = min(BLOCK_FRAMES, n_frames)
                block = file.read(n, dtype="float32", always_2d=True)
                if not len(block):
                    break
                steps.add(block)
                n_frames -= len(block)
            return steps.taken, sr
    except soundfile.LibsndfileError as exc:
        raise MediaError(f"A clip of this file cannot be made: {exc.error_string}") from exc


def _read_container(
    source: BufferedSource, start_s: float, end_s: float, *, container: str
) -> tuple[np.ndarray, int]:
    from chalicelib.core.audio.containers import ContainerReader  # noqa: PLC0415  # needs PyAV, half a second

    reader = ContainerReader(source, container)
    sr = reader.sample_rate_hz
    first, end = round(start_s * sr), round(end_s * sr)
    # Some headers do not give the length; then a part that ends after the recording may be refused
    # as too large, although it is not.
    n_frames = min(end, reader.promised_frames or end) - first
    # A header's length is rounded, and may be a little less than what there is.
    steps = _Steps(max(0, min(end - first, n_frames + sr)), reader.channels)
    place = reader.seek(first)
    for block in reader.blocks(BLOCK_FRAMES):
        part = block[max(0, first - place) : max(0, end - place)]
        steps.add(np.multiply(part, scale_of(block.dtype), dtype=np.float32))
        place += len(block)
        if place >= end:
            break
    return steps.taken, sr


def mono(y: np.ndarray, sr: int, *, to_sr: int, channel: int | None = None) -> np.ndarray:
    """Return 16-bit samples of shape (n, channels) as float32 of shape (m,) at another rate.

    They are those of one channel, or the mix if ``channel`` is None or there is no such channel.
    """
    one = y.mean(axis=1) if channel is None or channel >= y.shape[1] else y[:, channel]
    samples = one.astype(np.float32) / FULL_SCALE
    return np.asarray(soxr.resample(samples, sr, to_sr), dtype=np.float32)


def write_wav(stream: BinaryIO, y: np.ndarray, sr: int) -> None:
    """Write 16-bit samples of shape (n, channels) as a WAV file."""
    with wave.open(stream, "wb") as file:
        file.setnchannels(y.shape[1])
        file.setsampwidth(2)
        file.setframerate(sr)
        # Written before the first sample, so that the file can be written forwards only.
        file.setnframes(len(y))
        file.writeframesraw(np.ascontiguousarray(y).data)
