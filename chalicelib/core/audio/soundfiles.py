"""A decoder with libsndfile: wav, flac, mp3, ogg, aiff and similar formats."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import soundfile

from chalicelib.core.audio.ogg import is_cut_off
from chalicelib.core.audio.source import BufferedSource
from chalicelib.core.audio.wav import UNKNOWN_BYTES, read_wav_header
from chalicelib.errors import MediaError

# Reading integers and scaling them gives the same bits as reading floats from libsndfile, and is
# several times faster.
INTEGER_DTYPES = {
    "PCM_S8": "int16",
    "PCM_U8": "int16",
    "PCM_16": "int16",
    "PCM_24": "int32",
    "PCM_32": "int32",
    "ULAW": "int16",
    "ALAW": "int16",
}
# libsndfile's count for a header without a length; a larger count is not a length.
UNKNOWN_FRAMES = 1 << 48


class _SequentialSoundFile(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is read forwards only."""

    def seekable(self) -> bool:
        # soundfile seeks after each read, which is slow in mp3 and flac decoders.
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
        frames: int = self._file.frames
        self.promised_frames = frames if 0 < frames < UNKNOWN_FRAMES else None
        self.ends_early = False
        if self.container == "OGG":
            self.ends_early = is_cut_off(source)
        elif self.container in {"WAV", "WAVEX"}:
            self._read_wav_promise()

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
            # A decoder's error at the end of a truncated file is not damage in the rest of it.
            self.damage = None

    def _read_wav_promise(self) -> None:
        """Note the length in a WAV file's header; libsndfile gives the length of the samples."""
        position = self._source.tell()
        header = read_wav_header(self._source)
        self._source.seek(position)
        if header is None or header.data_bytes in UNKNOWN_BYTES:
            return
        if header.promised_frames:
            self.promised_frames = header.promised_frames
        else:
            # For compressed samples (ADPCM, GSM) the header gives bytes only.
            self.ends_early = header.data_start + header.data_bytes > self._source.size


def open_soundfile(source: BufferedSource) -> SoundFileReader:
    """Open ``source`` with libsndfile; raise MediaError if it cannot be read."""
    try:
        return SoundFileReader(source)
    except soundfile.LibsndfileError as exc:
        source.raise_failure()
        raise MediaError(f"The recording cannot be read: {exc.error_string}") from exc
