"""Recordings made for the tests."""

import io
from pathlib import Path

import av
import numpy as np
import soundfile

SR = 16_000

HARD_NAMES = [
    "two  spaces and + plus.wav",
    "100% of 50%25.wav",
    "naïve café – “quoted”.wav",
    "日本語の録音.wav",
    "😀🎙️.wav",
    "semi;colon&amp=x.wav",
    "n" * 900 + ".wav",
]


def wav(duration_s: float = 1.0, *, f0_hz: float = 220.0) -> bytes:
    """Return a tone as a WAV file."""
    y = 0.3 * np.sin(2 * np.pi * f0_hz * np.arange(round(duration_s * SR)) / SR)
    return encode(y, "WAV")


def encode(y: np.ndarray, container: str, sr: int = SR) -> bytes:
    """Return samples as a file in a format that libsndfile writes."""
    file = io.BytesIO()
    soundfile.write(file, y, sr, format=container)
    return file.getvalue()


def flac_lasting(hours: float) -> bytes:
    """Return a FLAC whose header says that it lasts so many hours."""
    packed = (SR << 44) | (15 << 36) | round(hours * 3600 * SR)
    return b"fLaC\x80\x00\x00\x22" + bytes(10) + packed.to_bytes(8, "big") + bytes(1000)


CODECS = {
    "m4a": ("mp4", "aac", 16_000),
    "mp4": ("mp4", "aac", 44_100),
    "webm": ("webm", "libopus", 48_000),
    "amr": ("amr", "libopencore_amrnb", 8_000),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "ogg": ("ogg", "libopus", 48_000),
    "flac": ("flac", "flac", 16_000),
    "wav": ("wav", "pcm_s16le", 16_000),
}


def convert(source: Path, extension: str) -> bytes:
    """Return a recording in another format, named by its extension."""
    container, codec, sr = CODECS[extension]
    file = io.BytesIO()
    with av.open(str(source)) as reader, av.open(file, "w", format=container) as writer:
        stream = writer.add_stream(codec, rate=sr, layout="mono")
        resampler = av.AudioResampler(stream.format, "mono", sr, stream.codec_context.frame_size)
        for frame in [*reader.decode(audio=0), None]:
            for resampled in resampler.resample(frame):
                writer.mux(stream.encode(resampled))
        writer.mux(stream.encode(None))
    return file.getvalue()
