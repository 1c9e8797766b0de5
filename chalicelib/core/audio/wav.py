"""A reader for the most common recording, 16-bit PCM in a WAV file, without a decoder."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chalicelib.core.audio.source import BufferedSource

PCM = 1
# PCM, IEEE float, A-law, mu-law and their extensible form: frames follow from bytes.
UNCOMPRESSED = {PCM, 3, 6, 7, 0xFFFE}
FORMAT_BYTES = 16
MAX_CHUNKS = 1_000
MAX_CHANNELS = 1_024
MAX_SR_HZ = 1 << 24
# Lengths left by writers that could not go back to fill in the real one.
UNKNOWN_BYTES = {0, 0xFFFFFFFF}


@dataclass(frozen=True, slots=True)
class WavHeader:
    """Values from the chunks before a WAV file's samples."""

    tag: int
    channels: int
    sample_rate_hz: int
    bytes_per_frame: int
    bits: int
    data_start: int
    data_bytes: int

    @property
    def promised_frames(self) -> int | None:
        """Number of frames by the header, or None if the header does not give it."""
        if self.data_bytes in UNKNOWN_BYTES or self.tag not in UNCOMPRESSED:
            return None
        return self.data_bytes // self.bytes_per_frame if self.bytes_per_frame else None

    @property
    def is_plain(self) -> bool:
        """True if the samples are 16-bit integers, and nothing else is unusual."""
        return (
            self.tag == PCM
            and self.bits == 16  # noqa: PLR2004  # the name says 16
            and 1 <= self.channels <= MAX_CHANNELS
            and self.bytes_per_frame == 2 * self.channels
            and 1 <= self.sample_rate_hz <= MAX_SR_HZ
            and self.data_bytes not in UNKNOWN_BYTES
        )


class WavReader:
    """A plain WAV file, with exactly libsndfile's samples.

    libsndfile is not loaded, which saves a fifth of the time to the first MFCC.
    """

    def __init__(self, source: BufferedSource, header: WavHeader) -> None:
        self._source = source
        self._header = header
        self.decoder: tuple[str, str] | None = None
        self.container = "WAV"
        self.sample_rate_hz = header.sample_rate_hz
        self.channels = header.channels
        self.promised_frames = header.promised_frames
        self.damage: str | None = None
        self.ends_early = False

    def blocks(self, n_frames: int) -> Iterator[np.ndarray]:
        """Yield the samples in order.

        Parameters
        ----------
        n_frames : int > 0
            frames in a block; every block uses the same buffer of ``n_frames * channels``
            samples

        Yields
        ------
        block : np.ndarray [shape=(<= n_frames, channels)]
            int16, full scale
        """
        header, source = self._header, self._source
        source.seek(header.data_start)
        left = min(header.data_bytes, source.size - header.data_start) // header.bytes_per_frame
        buffer = np.empty((n_frames, header.channels), dtype="<i2")
        while left > 0:
            wanted = min(left, n_frames) * header.bytes_per_frame
            n_read = source.readinto(buffer.data.cast("B")[:wanted]) // header.bytes_per_frame
            source.raise_failure()
            if n_read == 0:
                return
            yield buffer[:n_read]
            left -= n_read


def read_wav_header(source: BufferedSource) -> WavHeader | None:
    """Read the chunks up to the samples; None if it is not a WAV file, or an unusual one."""
    source.seek(0)
    head = source.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    form = None
    for _ in range(MAX_CHUNKS):
        head = source.read(8)
        if len(head) < 8:  # noqa: PLR2004  # bytes of a chunk's name and size
            return None
        name, size = struct.unpack("<4sI", head)
        start = source.tell()
        if name == b"fmt ":
            if form or size < FORMAT_BYTES:
                return None
            packed = source.read(FORMAT_BYTES)
            if len(packed) < FORMAT_BYTES:
                return None
            form = struct.unpack("<HHIIHH", packed)
        if name == b"data":
            if form is None:
                return None
            tag, channels, sample_rate_hz, _, bytes_per_frame, bits = form
            return WavHeader(tag, channels, sample_rate_hz, bytes_per_frame, bits, start, size)
        source.seek(start + size + size % 2)
    return None
