"""A part of a recording as a WAV file."""

import wave
from typing import BinaryIO

import numpy as np
import soundfile

from chalicelib.core.audio.source import BufferedSource
from chalicelib.errors import MediaError

FULL_SCALE = 1 << 15
LARGEST_BYTES = 100_000_000
"""Most bytes of a clip: nine minutes of stereo at 48 kHz. They are in memory until written."""


def read_clip(source: BinaryIO, start_s: float, end_s: float) -> tuple[np.ndarray, int]:
    """Read a part of a recording, without decoding what is before it where the format allows.

    Parameters
    ----------
    source : BinaryIO
        a file that libsndfile can read, at any position
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
        with soundfile.SoundFile(buffered) as file:
            sr: int = file.samplerate
            first = round(start_s * sr)
            n_frames = min(round(end_s * sr), file.frames) - first
            if n_frames <= 0:
                raise MediaError(f"The recording has nothing after {start_s:.2f} s.")
            if n_frames * file.channels * 2 > LARGEST_BYTES:
                raise MediaError(
                    f"A clip may have {LARGEST_BYTES // 10**6} MB. Take a shorter one."
                )
            file.seek(first)
            y = file.read(n_frames, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as exc:
        raise MediaError(f"A clip of this file cannot be made: {exc.error_string}") from exc
    finally:
        buffered.raise_failure()
    steps = np.clip(np.rint(y * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return steps.astype("<i2"), sr


def write_wav(stream: BinaryIO, y: np.ndarray, sr: int) -> None:
    """Write 16-bit samples of shape (n, channels) as a WAV file."""
    with wave.open(stream, "wb") as file:
        file.setnchannels(y.shape[1])
        file.setsampwidth(2)
        file.setframerate(sr)
        # Known before the first sample, so that the file can be written forwards only.
        file.setnframes(len(y))
        file.writeframesraw(np.ascontiguousarray(y).data)
