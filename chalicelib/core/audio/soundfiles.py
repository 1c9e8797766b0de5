"""Reads what libsndfile knows: wav, flac, mp3, ogg, aiff and their kin."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import soundfile

from chalicelib.core.audio.source import BufferedSource
from chalicelib.core.audio.wav import read_wav_header
from chalicelib.errors import MediaError

# Reading integers and scaling them afterwards gives the same bits as asking libsndfile for
# floats, and is several times faster.
INTEGER_DTYPES = {
    "PCM_S8": "int16",
    "PCM_U8": "int16",
    "PCM_16": "int16",
    "PCM_24": "int32",
    "PCM_32": "int32",
    "ULAW": "int16",
    "ALAW": "int16",
}
# What libsndfile reports where the header does not say: any count beyond this is no promise.
UNKNOWN_FRAMES = 1 << 48
OGG_PAGE_BYTES = 65_307  # the largest that there can be
OGG_END_OF_STREAM = 4


class _SequentialSoundFile(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is only read forwards."""

    def seekable(self) -> bool:
        # soundfile seeks after each read, which mp3 and flac decoders pay for dearly.
        return False


class SoundFileReader:
    """A recording that libsndfile decodes.

    Parameters
    ----------
    source : BufferedSource
        the file, at any position

    Raises
    ------
    soundfile.LibsndfileError
        if libsndfile does not know the format
    """

    def __init__(self, source: BufferedSource) -> None:
        source.seek(0)
        self._source = source
        self._file: Any = _SequentialSoundFile(source)
        self.decoder: tuple[str, str] | None = ("libsndfile", soundfile.__libsndfile_version__)
        self.container: str = self._file.format
        self.sample_rate_hz: int = self._file.samplerate
        self.channels: int = self._file.channels
        self._dtype = INTEGER_DTYPES.get(self._file.subtype, "float32")
        self.damage: str | None = None
        self.promised_frames = self._promised_frames()
        self.ends_early = self.container == "OGG" and not _has_last_ogg_page(source)

    def blocks(self, n_frames: int) -> Iterator[np.ndarray]:
        """Yield the samples in order.

        Parameters
        ----------
        n_frames : int > 0
            frames in a block; the buffer of ``n_frames * channels`` samples is used again for
            every block

        Yields
        ------
        block : np.ndarray [shape=(<= n_frames, channels)]
            int16, int32 or float32; integers are full scale
        """
        buffer = np.empty((n_frames, self.channels), dtype=self._dtype)
        with self._file:
            n_before = 0
            while self.damage is None:
                try:
                    n_read = self._file.buffer_read_into(buffer.data.cast("B"), self._dtype)
                except soundfile.LibsndfileError as exc:
                    self.damage = exc.error_string
                    # soundfile raises after libsndfile has filled a part of the buffer.
                    n_read = self._file.tell() - n_before
                self._source.raise_failure()
                if n_read <= 0:
                    break
                n_before += n_read
                yield buffer[:n_read]
        if self._source.tell() >= self._source.size:
            # What a decoder makes of a file cut short is not damage in what is there.
            self.damage = None

    def _promised_frames(self) -> int | None:
        frames: int = self._file.frames
        if self.container in {"WAV", "WAVEX"}:
            # libsndfile tells what is there, whatever the header promises.
            position = self._source.tell()
            header = read_wav_header(self._source)
            self._source.seek(position)
            if header and header.promised_frames:
                return header.promised_frames
        return frames if 0 < frames < UNKNOWN_FRAMES else None


def _has_last_ogg_page(source: BufferedSource) -> bool:
    """Tell whether the last Ogg page is marked as the end of the stream (RFC 3533, section 6)."""
    position = source.tell()
    source.seek(max(0, source.size - OGG_PAGE_BYTES))
    tail = source.read(OGG_PAGE_BYTES)
    source.seek(position)
    page = tail.rfind(b"OggS\x00")
    flags = tail[page + 5 : page + 6]
    return page < 0 or not flags or bool(flags[0] & OGG_END_OF_STREAM)


def open_soundfile(source: BufferedSource) -> SoundFileReader:
    """Open ``source`` with libsndfile; a MediaError where it cannot be read."""
    try:
        return SoundFileReader(source)
    except soundfile.LibsndfileError as exc:
        source.raise_failure()
        raise MediaError(f"The recording cannot be read: {exc.error_string}") from exc
